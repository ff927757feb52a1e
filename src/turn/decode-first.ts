import { answerLeg, begun, failed, sendLeg } from "./answer-leg.ts";
import { reservePrefill } from "./attempt.ts";
import { resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { begin, finish, type LegRun, orderFor, release, send } from "./legs.ts";
import { momentAfter } from "./moment-after.ts";
import type { Prepared } from "./prepare.ts";
import type { Attempt, Try } from "./try.ts";

/**
 * Decode is sent first, and declines when it holds too little of the prompt: then prefill writes it to their common
 * store, and decode is sent again. Whether a request is split is so decided by what the engine truly holds.
 */
export async function decodeFirst(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  decode: LegRun,
): Promise<Attempt> {
  const cacheThreshold = worthSplittingBelow(turn, aim, decode);
  decode.startedAt = deps.now();
  const asked = await sendLeg(deps, turn, aim, decode, { cacheThreshold });
  if (!asked.ok || asked.kind !== "declined") {
    aim.runs.push(decode);
    const whole = aim.decide(aim.placement, holding(decode, turn.ask.promptTokens));
    const answer = begun(deps, turn, { ...aim, placement: whole }, decode, {}, asked);
    return answer.ok ? { ...answer, redecided: true } : answer;
  }
  aim.runs.push(declined(deps, decode));
  const prefill = await prefillLeg(deps, turn, aim);
  if (!prefill.ok) {
    release(deps, decode);
    return prefill;
  }
  return answerLeg(deps, turn, aim, decode, { prefill: prefill.run });
}

/** Share of the prompt from which on the decode engine had better go ahead alone, 0..1. */
function worthSplittingBelow(turn: Prepared, aim: Try, decode: LegRun): number {
  const { promptTokens } = turn.ask;
  let low = 0;
  let high = promptTokens;
  while (high - low > promptTokens * SHARE_STEP) {
    const middle = (low + high) / 2;
    const decided = aim.decide(aim.placement, holding(decode, Math.floor(middle)));
    if (decided.prefill === undefined) high = middle;
    else low = middle;
  }
  return high / promptTokens;
}

/** Engines count in blocks anyway. */
const SHARE_STEP = 1 / 128;

function holding(run: LegRun, heldTokens: number): LegRun {
  return { ...run, grant: { ...run.grant, heldTokens } };
}

/** The first sending, in the books for itself: its grant goes on to the second. */
function declined(deps: TurnDeps, run: LegRun): LegRun {
  const why = "held too little of the prompt: prefill first";
  return { ...run, outcome: "cancelled", why, endedAt: deps.now() };
}

async function prefillLeg(deps: TurnDeps, turn: Prepared, aim: Try) {
  const reserved = await reservePrefill(deps, turn, aim);
  if (!reserved.ok) return reserved;
  const { run } = reserved;
  begin(deps, run, aim.runs);
  const sent = orderFor(deps, turn, run, aim.firstTokenTimeoutMs);
  const answer = await send(deps, run, sent, momentAfter(turn.signal));
  if (!answer.ok || answer.kind !== "prefilled") return failed(deps, turn, run, answer);
  finish(deps, run, "served", { usage: answer.usage, told: answer.told });
  deps.waitUntil(resolveSilence(deps, [run]));
  return { ok: true, run } as const;
}
