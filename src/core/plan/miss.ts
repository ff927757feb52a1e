import type { Fleet } from "../fleet.ts";

/** Standard deviation of a prediction, as a fraction of it. */
const UNCERTAINTY = 0.25;
/** Standard deviation of the unit logistic distribution. */
const LOGISTIC_DEVIATION = Math.PI / Math.sqrt(3);

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

/**
 * How much more likely each request that decodes misses its TPOT objective when its answer of `tokens` takes `moreMs`
 * longer. Where they miss it already, a further prompt keeps them there: it counts as one that brought them to it.
 */
export function missesMore(
  { interactive }: Fleet["slo"],
  tpotMs: number,
  tokens: number,
  moreMs: number,
): number {
  const more = moreMs / tokens;
  const before = Math.min(tpotMs, interactive.tpotMs - more / 2);
  return exceeds(before + more, interactive.tpotMs) - exceeds(before, interactive.tpotMs);
}

function exceeds(predicted: number, limit: number): number {
  if (predicted <= 0) return 0;
  const deviations = (predicted - limit) / (UNCERTAINTY * predicted);
  return 1 / (1 + Math.exp(-deviations * LOGISTIC_DEVIATION));
}
