import type { LegOrder } from "../region/service.ts";
import { begun, failed, type Given, sendLeg, suspecting } from "./answer-leg.ts";
import { resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { begin, finish, type LegRun, orderFor, send } from "./legs.ts";
import { momentAfter } from "./moment-after.ts";
import type { Prepared } from "./prepare.ts";
import { prefillAlone, splitOf } from "./split.ts";
import type { Attempt, SplitRuns, Try } from "./try.ts";

/** Concurrent legs: both are sent at once and meet by a name of ours. When one fails, the other is ended. */
export async function concurrently(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  { prefill, decode }: SplitRuns,
): Promise<Attempt> {
  const split = splitOf(deps, { prefill, decode });
  const endPrefill = new AbortController();
  const endDecode = new AbortController();
  const prefilling = prefillLeg(deps, turn, aim, prefill, split, endPrefill.signal);
  const given = { split, prefill, stop: endDecode.signal };
  const answering = decodeLeg(deps, turn, aim, decode, given, prefilling);
  const first = await Promise.race([
    answering.then((attempt) => ({ from: "decode", attempt }) as const),
    prefilling.then(({ early }) =>
      early ? ({ from: "prefill", attempt: early } as const) : new Promise<never>(() => {}),
    ),
  ]);
  if (first.from === "prefill") {
    // It failed, or has said everything: nothing will ever come to decode.
    const blamed = blame(deps, first.attempt, decode);
    endDecode.abort();
    const late = await answering;
    if (late.ok) late.body.cancel().catch(() => {});
    return blamed;
  }
  const { attempt } = first;
  if (attempt.ok) return { ...attempt, prefilled: prefilling };
  const blamed = blame(deps, attempt, prefill);
  endPrefill.abort();
  const { early } = await prefilling;
  const failedToo = blamed === attempt && early?.ok === false && early.failure.kind !== "aborted";
  return failedToo ? { ...attempt, engines: [...attempt.engines, ...early.engines] } : blamed;
}

/**
 * Each leg waits for the other. One that says the other is at fault is believed; where both are silent nobody can tell
 * for whom, and neither is asked again.
 */
function blame(deps: TurnDeps, attempt: Attempt, other: LegRun): Attempt {
  if (attempt.ok) return attempt;
  const { kind, blames } = attempt.failure;
  const isOver = other.outcome !== undefined;
  if (attempt.suspects || (isOver && kind === "stalled")) return suspecting(attempt, other);
  if (blames !== "other" && (isOver || kind !== "stalled")) return attempt;
  const why = blames ? "its other leg could not reach it" : "neither leg said anything in time";
  finish(deps, other, "failed", { why, failure: kind });
  const engines = blames === "other" ? [] : attempt.engines;
  return { ...attempt, engines: [...engines, other.grant.engine] };
}

/** Decode, sent at once; or after prefill, when it cannot be told of its prefill engine before that engine answers. */
async function decodeLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  given: Given,
  prefilling: Promise<Prefilled>,
): Promise<Attempt> {
  begin(deps, run, aim.runs);
  let answer = await sendLeg(deps, turn, aim, run, given);
  if (answer.ok && answer.kind === "declined") {
    const { handoff } = await prefilling;
    if (handoff === undefined) return notTold(deps, turn, run, given);
    answer = await sendLeg(deps, turn, aim, run, { ...given, handoff });
  }
  return begun(deps, turn, aim, run, given, answer);
}

/** Decode was never sent: its prefill engine failed, or did not tell who it is. */
function notTold(deps: TurnDeps, turn: Prepared, run: LegRun, { prefill }: Given): Attempt {
  const message = "its prefill engine told no handle to its KV cache";
  const failure = { kind: "malformed", message, blames: "other" } as const;
  const attempt = failed(deps, turn, run, { ok: false, failure });
  return { ...attempt, engines: prefill ? [prefill.grant.engine] : [] };
}

type Prefilled = {
  readonly handoff?: string | undefined;
  /** It did not do its part: what that makes of the whole attempt. */
  readonly early?: Attempt;
};

/** The prefill leg to its end. */
async function prefillLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  split: NonNullable<LegOrder["split"]>,
  end: AbortSignal,
): Promise<Prefilled> {
  begin(deps, run, aim.runs);
  const { decodeInTransfer } = deps.capabilities(turn.dialectOf(run.grant.pool)).safeEnd;
  // Where a cut transfer does harm, decode ends first, at its first token; by then prefill is over.
  const ends = decodeInTransfer === "at-once" ? [end, momentAfter(turn.signal)] : [end];
  const sent = orderFor(deps, turn, run, aim.firstTokenTimeoutMs, { split });
  const answer = await send(deps, run, sent, AbortSignal.any(ends));
  if (answer.ok && answer.kind === "answering") {
    const placement = prefillAlone(aim);
    return { early: begun(deps, turn, { ...aim, placement }, run, {}, answer) };
  }
  if (!answer.ok || answer.kind !== "prefilled") {
    const why = end.aborted ? "its decode leg failed" : undefined;
    return { early: failed(deps, turn, run, answer, why) };
  }
  finish(deps, run, "served", { usage: answer.usage, told: answer.told });
  deps.waitUntil(resolveSilence(deps, [run]));
  return { handoff: answer.handoff };
}
