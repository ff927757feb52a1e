import type { Fleet } from "../fleet.ts";

/** Standard deviation of a prediction, as a fraction of it. */
const UNCERTAINTY = 0.25;
/** Standard deviation of the unit logistic distribution. */
const LOGISTIC_DEVIATION = Math.PI / Math.sqrt(3);

/** Share of its time that prompts take of an engine that also decodes, at most: decodes get a step with each chunk. */
const MOST_PROMPTS = 0.9;
/** Part of the TPOT objective that a step is taken to leave, however long it is. */
const LEAST_SPARE = 0.1;

/** Chance that a placement misses its SLO: TTFT or TPOT when interactive, the deadline when batch. */
export function missProbability(
  slo: Fleet["slo"],
  urgency: "interactive" | "batch",
  predicted: { readonly ttftMs: number; readonly tpotMs: number },
  completionMs: number,
): number {
  if (urgency === "batch") return exceeds(completionMs, slo.batch.deadlineMs);
  const { ttftMs, tpotMs } = slo.interactive;
  return 1 - (1 - exceeds(predicted.ttftMs, ttftMs)) * (1 - exceeds(predicted.tpotMs, tpotMs));
}

/** Answers that an engine writes. */
export type Written = {
  /** A step without prompts. */
  readonly tpotMs: number;
  /** Share of the engine's time that prompts take. */
  readonly promptShare: number;
  /** How long an answer is on average. */
  readonly tokens: number;
};

/**
 * Chance that an answer which is being written misses its TPOT objective for being held up `moreMs`. Each token makes
 * good what the objective leaves it; the answer misses if it ends before all of that is made good, and it may end at
 * any token. What it saved before helps it, unless other prompts have used that up. Where they hold it up so much that
 * it misses the objective already, a further prompt keeps it there: it counts as one that brought it to it.
 */
export function missesMore(
  { interactive }: Fleet["slo"],
  { tpotMs, promptShare, tokens }: Written,
  moreMs: number,
): number {
  const leastMs = LEAST_SPARE * interactive.tpotMs;
  const spareMs = Math.max(leastMs, interactive.tpotMs - tpotMs);
  const share = Math.min(MOST_PROMPTS, promptShare);
  const heldUpMs = (tpotMs * share) / (1 - share);
  const usedUp = Math.min(1, heldUpMs / spareMs);
  const answers = moreMs / (Math.max(leastMs, spareMs - heldUpMs) * tokens);
  return 1 - Math.exp(-answers) * (1 + (1 - usedUp) * answers);
}

function exceeds(predicted: number, limit: number): number {
  if (predicted <= 0) return 0;
  const deviations = (predicted - limit) / (UNCERTAINTY * predicted);
  return 1 / (1 + Math.exp(-deviations * LOGISTIC_DEVIATION));
}
