import type { Coupling } from "../core/leg.ts";
import { answerLeg } from "./answer-leg.ts";
import { concurrently } from "./concurrently.ts";
import { decodeFirst } from "./decode-first.ts";
import type { TurnDeps } from "./deps.ts";
import { handOver } from "./hand-over.ts";
import { release, reserve } from "./legs.ts";
import type { Prepared } from "./prepare.ts";
import { keptFor } from "./split.ts";
import { besideDecode } from "./sidecar.ts";
import type { Attempt, SplitRuns, Try } from "./try.ts";

/**
 * Runs one placement up to its first content. The decode engine of a split is asked first; prefill runs only with
 * decode granted, and not at all when what the decode engine holds makes that the better way.
 */
export async function attempt(deps: TurnDeps, turn: Prepared, aim: Try): Promise<Attempt> {
  const { placement, requestId, avoid, startBy } = aim;
  if (placement.prefill === undefined) return together(deps, turn, aim);
  const { pool } = placement.decode;
  const handedTokens = turn.ask.promptTokens;
  const order = { leg: "decode", pool, requestId, avoid, startBy, handedTokens } as const;
  const decode = await reserve(deps, turn, order);
  if (!decode.ok) return decode;
  const decided = { ...aim, placement: aim.decide(placement, decode.run) };
  if (decided.placement.prefill === undefined) {
    release(deps, decode.run);
    const whole = await together(deps, turn, decided);
    return whole.ok ? { ...whole, redecided: true } : whole;
  }
  const { coupling } = deps.capabilities(turn.dialectOf(pool));
  if (coupling === "decode-first") return decodeFirst(deps, turn, decided, decode.run);
  const prefill = await reservePrefill(deps, turn, decided);
  if (!prefill.ok) {
    release(deps, decode.run);
    return prefill;
  }
  return runSplit[coupling](deps, turn, decided, { prefill: prefill.run, decode: decode.run });
}

const runSplit: Record<Exclude<Coupling, "decode-first">, RunSplit> = {
  handoff: handOver,
  rendezvous: concurrently,
  sidecar: besideDecode,
};

type RunSplit = (deps: TurnDeps, turn: Prepared, aim: Try, runs: SplitRuns) => Promise<Attempt>;

/** Asks for the prefill engine of a split. */
export function reservePrefill(deps: TurnDeps, turn: Prepared, aim: Try) {
  const { requestId, avoid, startBy, firstTokenTimeoutMs, placement } = aim;
  const { pool = "", fetchedTokens: handedTokens = 0 } = placement.prefill ?? {};
  const order = { leg: "prefill", pool, requestId, avoid, startBy, handedTokens } as const;
  const { coupling } = deps.capabilities(turn.dialectOf(pool));
  const isAlone = coupling === "handoff" || coupling === "decode-first";
  const given = keptFor(turn, aim);
  return reserve(deps, turn, isAlone ? { ...order, firstTokenTimeoutMs, given } : order);
}

async function together(deps: TurnDeps, turn: Prepared, aim: Try): Promise<Attempt> {
  const { placement, requestId, avoid, startBy, firstTokenTimeoutMs } = aim;
  const order = { leg: "both", pool: placement.decode.pool, handedTokens: 0 } as const;
  const common = { requestId, avoid, startBy, firstTokenTimeoutMs };
  const both = await reserve(deps, turn, { ...order, ...common });
  return both.ok ? answerLeg(deps, turn, aim, both.run) : both;
}
