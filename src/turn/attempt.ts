import type { Coupling } from "../core/leg.ts";
import { answerLeg } from "./answer-leg.ts";
import { concurrently } from "./concurrently.ts";
import { decodeFirst } from "./decode-first.ts";
import type { TurnDeps } from "./deps.ts";
import { handOver } from "./hand-over.ts";
import { mayBring } from "./kv/import.ts";
import { type LegRun, release, reserve } from "./legs.ts";
import type { Prepared } from "./prepare.ts";
import { keptFor } from "./split.ts";
import { besideDecode } from "./sidecar.ts";
import type { Attempt, SplitRuns, Try } from "./try.ts";

/**
 * Runs one placement up to its first content. The engine that decodes is asked first; on its answer the mode is decided
 * again, and prefill runs elsewhere only with decode granted.
 */
export async function attempt(deps: TurnDeps, turn: Prepared, aim: Try): Promise<Attempt> {
  const asked = await reserveDecode(deps, turn, aim);
  if (!asked.ok) return asked;
  const { placement } = aim;
  if (!aim.isOpen) return go(deps, turn, aim, asked.run);
  const decided = { ...aim, placement: aim.decide(placement, asked.run), isOpen: false };
  if (decided.placement.mode === placement.mode) return go(deps, turn, decided, asked.run);
  release(deps, asked.run);
  const again = await reserveDecode(deps, turn, decided);
  if (!again.ok) return again;
  const other = await go(deps, turn, decided, again.run);
  return other.ok ? { ...other, redecided: true } : other;
}

/** Asks for the engine that decodes, and that prefills as well where no other does. */
function reserveDecode(deps: TurnDeps, turn: Prepared, aim: Try) {
  const { placement, requestId, avoid, startBy, firstTokenTimeoutMs } = aim;
  const common = { pool: placement.decode.pool, requestId, avoid, startBy };
  if (placement.prefill !== undefined) {
    const handedTokens = turn.ask.promptTokens;
    return reserve(deps, turn, { ...common, leg: "decode", handedTokens });
  }
  const leg = turn.request.embeds ? "prefill" : "both";
  const both = { ...common, leg, handedTokens: 0 } as const;
  const waits = aim.isOpen || mayBring(deps, turn, common.pool);
  return reserve(deps, turn, waits ? both : { ...both, firstTokenTimeoutMs });
}

/** Goes on with the engine that decodes granted. */
async function go(deps: TurnDeps, turn: Prepared, aim: Try, decode: LegRun): Promise<Attempt> {
  if (aim.placement.prefill === undefined) return answerLeg(deps, turn, aim, decode);
  const { coupling } = deps.capabilities(turn.dialectOf(decode.grant.pool));
  if (coupling === "decode-first") return decodeFirst(deps, turn, aim, decode);
  const prefill = await reservePrefill(deps, turn, aim);
  if (!prefill.ok) {
    release(deps, decode);
    return prefill;
  }
  return runSplit[coupling](deps, turn, aim, { prefill: prefill.run, decode });
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
  const runsAlone = coupling === "handoff" || coupling === "decode-first";
  const isAlone = runsAlone && !mayBring(deps, turn, pool);
  const given = keptFor(turn, aim);
  return reserve(deps, turn, isAlone ? { ...order, firstTokenTimeoutMs, given } : order);
}
