import type { LegOrder } from "../region/service.ts";
import { answerLeg, begun, failed } from "./answer-leg.ts";
import { resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { begin, finish, type LegRun, orderFor } from "./legs.ts";
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
  const answering = answerLeg(deps, turn, aim, decode, given);
  const first = await Promise.race([
    answering.then((attempt) => ({ from: "decode", attempt }) as const),
    prefilling.then((early) =>
      early === undefined
        ? new Promise<never>(() => {})
        : ({ from: "prefill", attempt: early } as const),
    ),
  ]);
  if (first.from === "prefill") {
    // It failed, or has said everything: nothing will ever come to decode.
    endDecode.abort();
    const late = await answering;
    if (late.ok) late.body.cancel().catch(() => {});
    return first.attempt;
  }
  const { attempt } = first;
  if (attempt.ok) return { ...attempt, prefilled: prefilling };
  endPrefill.abort();
  const early = await prefilling;
  const isToBlame = early?.ok === false && early.failure.kind !== "aborted";
  return isToBlame ? { ...attempt, engines: [...attempt.engines, ...early.engines] } : attempt;
}

/** The prefill leg to its end: nothing when it did its part, else what that makes of the whole attempt. */
async function prefillLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  split: NonNullable<LegOrder["split"]>,
  end: AbortSignal,
): Promise<Attempt | undefined> {
  begin(deps, run, aim.runs);
  const { decodeInTransfer } = deps.capabilities(turn.dialectOf(run.grant.pool)).safeEnd;
  // Where a cut transfer does harm, decode ends first, at its first token; by then prefill is over.
  const ends = decodeInTransfer === "at-once" ? [end, momentAfter(turn.signal)] : [end];
  const sent = orderFor(deps, turn, run, aim.firstTokenTimeoutMs, { split });
  const answer = await deps.region.run(sent, AbortSignal.any(ends));
  if (answer.ok && answer.kind === "answering") {
    return begun(deps, turn, { ...aim, placement: prefillAlone(aim) }, run, {}, answer);
  }
  if (!answer.ok || answer.kind !== "prefilled") {
    return failed(deps, turn, run, answer, end.aborted ? "its decode leg failed" : undefined);
  }
  finish(deps, run, "served", { usage: answer.usage });
  deps.waitUntil(resolveSilence(deps, [run]));
  return undefined;
}
