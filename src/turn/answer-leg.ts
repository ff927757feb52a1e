import type { Placement } from "../core/plan/placement.ts";
import { encodersAmong } from "../region/encoders.ts";
import type { LegAnswer, LegFailure, LegOrder } from "../region/service.ts";
import type { TurnDeps } from "./deps.ts";
import { bring } from "./kv/import.ts";
import { begin, finish, type LegRun, orderFor, send } from "./legs.ts";
import type { Prepared } from "./prepare.ts";
import type { Attempt, Try } from "./try.ts";

/** What an answering leg is sent beside the request, where its prompt was prefilled elsewhere. */
export type Given = Pick<LegOrder, "handoff" | "split" | "cacheThreshold"> & {
  readonly prefill?: LegRun;
  /** Ends the leg though the client is still there. */
  readonly stop?: AbortSignal;
};

/** Runs a granted leg up to the first content of the client's answer. */
export async function answerLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  given: Given = {},
): Promise<Attempt> {
  begin(deps, run, aim.runs);
  const bringing = bring(deps, turn, run);
  const brought = bringing === undefined ? given : { ...given, ...(await bringing) };
  const answer = await sendLeg(deps, turn, aim, run, brought);
  return begun(deps, turn, aim, run, given, answer);
}

/** Sends an answering leg, and ends it in its dialect's safe way for a client that left. */
export function sendLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  { prefill: _prefill, stop, ...given }: Given,
): Promise<LegAnswer> {
  const isHanded = given.handoff !== undefined || given.split !== undefined;
  const left = isHanded ? safeEnd(deps, turn, run, aim.placement) : turn.signal;
  const sent = orderFor(deps, turn, run, aim.firstTokenTimeoutMs, given);
  const { encodes } = deps.capabilities(turn.dialectOf(run.grant.pool));
  const encoders = new Set(encodersAmong(deps.fleet, sent, encodes).map(({ id }) => id));
  if (encoders.size > 0) run.encoders = [...encoders];
  return send(deps, run, sent, stop === undefined ? left : AbortSignal.any([left, stop]));
}

/** What came of a leg that was sent: an answer that has begun, or the leg's end in the books. */
export function begun(
  deps: TurnDeps,
  turn: Prepared,
  { placement }: Try,
  run: LegRun,
  { prefill, stop }: Given,
  answer: LegAnswer,
): Attempt {
  if (!answer.ok || answer.kind !== "answering") {
    return failed(deps, turn, run, answer, stop?.aborted ? "its prefill leg ended" : undefined);
  }
  if (turn.signal.aborted) {
    // Its first token has come: now it may be ended.
    answer.body.cancel().catch(() => {});
    const left = { kind: "aborted", message: "the caller left" } as const;
    return failed(deps, turn, run, { ok: false, failure: left });
  }
  // A whole answer does not tell when its first token was there.
  if (turn.request.stream) firstToken(deps, run);
  const { contentType, body } = answer;
  const served = { ok: true, placement, answer: run, contentType, body } as const;
  return prefill ? { ...served, prefill } : served;
}

/** Why a leg ended whose engine had its media encoded elsewhere. */
export const UNENCODED = "what was to encode its media failed: it is tried without";

type Failed = Extract<Attempt, { ok: false }>;

/** Ends a leg that gave no answer, in the books and for the caller; `why` where its own message does not tell. */
export function failed(
  deps: TurnDeps,
  turn: Prepared,
  run: LegRun,
  answer: LegAnswer,
  why?: string,
): Failed {
  const failure: LegFailure = answer.ok ? UNEXPECTED[answer.kind] : answer.failure;
  if (failure.blames === "encoder") run.isUnencoded = true;
  const isOthers = failure.blames === "other" || failure.blames === "encoder";
  const isOurs = turn.signal.aborted || failure.kind === "aborted" || isOthers;
  finish(deps, run, isOurs ? "cancelled" : "failed", {
    ...(answer.ok && answer.kind === "prefilled" && { usage: answer.usage }),
    why: why ?? (failure.blames === "encoder" ? UNENCODED : failure.message),
    failure: failure.kind,
    isUnclear: failure.blames === "either",
    retryAfterMs: failure.retryAfterMs,
  });
  if (failure.blames === "encoder") return { ok: false, failure, engines: [] };
  const engines = [run.grant.engine];
  if (failure.blames === "either") return { ok: false, failure, engines: [], suspects: engines };
  return { ok: false, failure, engines };
}

/** The same failure, for which the engine of the split's other leg may as well be the reason. */
export function suspecting(attempt: Failed, { grant }: LegRun): Failed {
  return { ...attempt, suspects: [...(attempt.suspects ?? []), grant.engine] };
}

const UNEXPECTED: Record<(LegAnswer & { ok: true })["kind"], LegFailure> = {
  prefilled: {
    kind: "malformed",
    message: "the engine prefilled, but told no handle to its KV cache",
  },
  declined: { kind: "malformed", message: "the engine declined what it was not asked to judge" },
  answering: { kind: "malformed", message: "the engine answered where it should prefill" },
};

function firstToken(deps: TurnDeps, run: LegRun): void {
  const now = deps.now();
  run.firstTokenAt = now;
  // That it came so soon says nothing of how fast its engine computes.
  if (run.imported?.tokens !== undefined) return;
  const elapsedMs = now - run.startedAt;
  deps.region.report({ v: 1, ticket: run.grant.ticket, event: "first-token", elapsedMs, now });
}

/**
 * When a decode leg that was handed its prefix may be ended for a client that left. Some engines strand or crash on a
 * transfer that is cut: those are let go at their first token. An answer that is not streamed does not show it, so its
 * leg is let go when the token was due with time to spare.
 */
function safeEnd(deps: TurnDeps, turn: Prepared, run: LegRun, placement: Placement): AbortSignal {
  const { decodeInTransfer } = deps.capabilities(turn.dialectOf(run.grant.pool)).safeEnd;
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
