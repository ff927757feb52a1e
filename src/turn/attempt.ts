import type { Placement } from "../core/plan/placement.ts";
import type { LegAnswer, LegFailure } from "../region/service.ts";
import { resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { begin, finish, type LegRun, orderFor, release, reserve } from "./legs.ts";
import type { Prepared } from "./prepare.ts";

/** What came of one placement: an answer that has begun, or why there is none and on which engine. */
export type Attempt =
  | {
      readonly ok: true;
      readonly placement: Placement;
      /** Planned as a split; its decode engine, asked first, turned out to be the better place for both phases. */
      readonly redecided?: boolean;
      readonly prefill?: LegRun;
      readonly answer: LegRun;
      readonly contentType: string;
      readonly body: ReadableStream<Uint8Array>;
    }
  | {
      readonly ok: false;
      readonly failure: LegFailure;
      /** Engines that failed; none when a pool had none to give. */
      readonly engines: readonly string[];
    };

/** One try at a turn. */
export type Try = {
  readonly placement: Placement;
  /** The same on both legs; differs between tries. */
  readonly requestId: string;
  /** Engines that have already failed this request. */
  readonly avoid: readonly string[];
  /** Everything that runs is added here, whatever becomes of it. */
  readonly runs: LegRun[];
  readonly firstTokenTimeoutMs: number;
  /** When a later start makes the next placement the better one, epoch ms. */
  readonly startBy: number;
  /** Decides the mode of a split again, once its decode engine has answered. */
  readonly decide: (placement: Placement, decode: LegRun) => Placement;
};

/**
 * Runs one placement up to its first content. The decode engine of a split is asked first; prefill runs only with
 * decode granted, and not at all when what the decode engine holds makes that the better way.
 */
export async function attempt(deps: TurnDeps, turn: Prepared, aim: Try): Promise<Attempt> {
  const { placement, requestId, avoid, startBy } = aim;
  if (placement.prefill === undefined) return together(deps, turn, aim);
  const common = { requestId, avoid, startBy };
  const decode = await reserve(deps, turn, {
    ...common,
    leg: "decode",
    pool: placement.decode.pool,
    handedTokens: turn.ask.promptTokens,
  });
  if (!decode.ok) return decode;
  const decided = aim.decide(placement, decode.run);
  if (decided.prefill === undefined) {
    release(deps, decode.run);
    const whole = await together(deps, turn, { ...aim, placement: decided });
    return whole.ok ? { ...whole, redecided: true } : whole;
  }
  const order = { leg: "prefill", pool: decided.prefill.pool, handedTokens: 0 } as const;
  const { firstTokenTimeoutMs } = aim;
  const prefill = await reserve(deps, turn, { ...order, ...common, firstTokenTimeoutMs });
  if (!prefill.ok) {
    release(deps, decode.run);
    return prefill;
  }
  begin(deps, prefill.run, aim.runs);
  const sent = orderFor(deps, turn, prefill.run, aim.firstTokenTimeoutMs);
  const answer = await deps.region.run(sent, momentAfter(turn.signal));
  if (!answer.ok || answer.kind !== "prefilled" || answer.handoff === undefined) {
    release(deps, decode.run);
    return failed(deps, prefill.run, answer, turn.signal);
  }
  finish(deps, prefill.run, "served", { usage: answer.usage });
  // Found out while decode runs, so that it is known when the client is told.
  deps.waitUntil(resolveSilence(deps, [prefill.run]));
  const handed = { run: prefill.run, handoff: answer.handoff };
  return decodeLeg(deps, turn, { ...aim, placement: decided }, decode.run, handed);
}

/** A prefill leg is ended a moment after its client left: its answer, which names the blocks it holds, may be on its way. */
function momentAfter(left: AbortSignal): AbortSignal {
  const end = new AbortController();
  const later = () => setTimeout(() => end.abort(), ON_ITS_WAY_MS);
  if (left.aborted) later();
  else left.addEventListener("abort", later, { once: true });
  return end.signal;
}

/** One way between an edge and a region, with time to spare. */
const ON_ITS_WAY_MS = 150;

/** Decodes what was handed over; where the engine would not take it, the blocks still wait for another of its pool. */
async function decodeLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  handed: Handed,
): Promise<Attempt> {
  const first = await answerLeg(deps, turn, aim, run, handed);
  if (first.ok || turn.signal.aborted || !NOT_TAKEN.has(first.failure.kind)) return first;
  const avoid = [...aim.avoid, run.grant.engine];
  const order = { leg: "decode", pool: run.grant.pool, requestId: run.requestId, avoid } as const;
  const handedTokens = turn.ask.promptTokens;
  const other = await reserve(deps, turn, { ...order, handedTokens, startBy: aim.startBy });
  if (!other.ok) return first;
  const second = await answerLeg(deps, turn, aim, other.run, handed);
  return second.ok ? second : { ...second, engines: [...first.engines, ...second.engines] };
}

/** A handed-over prefix, with the leg that prefilled it. */
type Handed = { readonly run: LegRun; readonly handoff: string };

/** Failures of a decode engine that cannot have fetched anything yet. */
const NOT_TAKEN: ReadonlySet<LegFailure["kind"]> = new Set(["unreachable", "status", "overloaded"]);

async function together(deps: TurnDeps, turn: Prepared, aim: Try): Promise<Attempt> {
  const { placement, requestId, avoid, startBy, firstTokenTimeoutMs } = aim;
  const order = { leg: "both", pool: placement.decode.pool, handedTokens: 0 } as const;
  const common = { requestId, avoid, startBy, firstTokenTimeoutMs };
  const both = await reserve(deps, turn, { ...order, ...common });
  return both.ok ? answerLeg(deps, turn, aim, both.run, undefined) : both;
}

async function answerLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  handed: Handed | undefined,
): Promise<Attempt> {
  begin(deps, run, aim.runs);
  const sent = orderFor(deps, turn, run, aim.firstTokenTimeoutMs, handed?.handoff);
  const signal = handed ? safeEnd(deps, turn, run, aim.placement) : turn.signal;
  const answer = await deps.region.run(sent, signal);
  if (!answer.ok || answer.kind !== "answering") return failed(deps, run, answer, turn.signal);
  if (turn.signal.aborted) {
    // Its first token has come: now it may be ended.
    answer.body.cancel().catch(() => {});
    const left = { kind: "aborted", message: "the caller left" } as const;
    return failed(deps, run, { ok: false, failure: left }, turn.signal);
  }
  // A whole answer does not tell when its first token was there.
  if (turn.request.stream) firstToken(deps, run);
  const { contentType, body } = answer;
  const { placement } = aim;
  const served = { ok: true, placement, answer: run, contentType, body } as const;
  return handed ? { ...served, prefill: handed.run } : served;
}

function firstToken(deps: TurnDeps, run: LegRun): void {
  const now = deps.now();
  run.firstTokenAt = now;
  const elapsedMs = now - run.startedAt;
  deps.region.report({ v: 1, ticket: run.grant.ticket, event: "first-token", elapsedMs, now });
}

/**
 * When a decode leg that was handed its prefix may be ended for a client that left. Some engines strand or crash on a
 * transfer that is cut: those are let go at their first token. An answer that is not streamed does not show it, so its
 * leg is let go when the token was due with time to spare.
 */
function safeEnd(deps: TurnDeps, turn: Prepared, run: LegRun, placement: Placement): AbortSignal {
  const { decodeInTransfer } = deps.capabilities(turn.dialectOf(run.grant.pool));
  if (decodeInTransfer === "at-once") return turn.signal;
  const end = new AbortController();
  if (turn.request.stream) return end.signal;
  const { handoffMs, firstMs } = placement.terms;
  const dueAt = Math.max(run.startedAt, run.grant.startAt) + TRANSFER_SLACK * (handoffMs + firstMs);
  const wait = () => {
    const leftMs = dueAt - deps.now();
    if (leftMs <= 0) end.abort();
    else setTimeout(wait, Math.min(leftMs, POLL_MS));
  };
  if (turn.signal.aborted) wait();
  else turn.signal.addEventListener("abort", wait, { once: true });
  return end.signal;
}

/** How much longer than predicted a transfer may take. */
const TRANSFER_SLACK = 2;
/** The mesh's clock may run faster than the timers. */
const POLL_MS = 50;

function failed(deps: TurnDeps, run: LegRun, answer: LegAnswer, signal: AbortSignal): Attempt {
  const failure: LegFailure = answer.ok
    ? { kind: "malformed", message: "the engine prefilled, but told no handle to its KV cache" }
    : answer.failure;
  const { message: why, kind, retryAfterMs } = failure;
  finish(deps, run, signal.aborted ? "cancelled" : "failed", {
    ...(answer.ok && answer.kind === "prefilled" && { usage: answer.usage }),
    why,
    failure: kind,
    retryAfterMs,
  });
  return { ok: false, failure, engines: [run.grant.engine] };
}
