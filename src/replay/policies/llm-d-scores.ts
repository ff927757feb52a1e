import type { EngineGauges } from "../policy.ts";

/** One score per engine, each 0 to 1, larger is better. */
export type Scores = readonly number[];

/** `queue-scorer` of llm-d: 1 for the fewest, 0 for the most, 1 for all when they are equal. */
export function queueScores(waiting: readonly number[]): Scores {
  const [least, most] = [Math.min(...waiting), Math.max(...waiting)];
  return waiting.map((one) => (most === least ? 1 : (most - one) / (most - least)));
}

/** `kv-cache-utilization-scorer` of llm-d: the share of the KV cache that is free. */
export function kvScores(engines: readonly EngineGauges[]): Scores {
  return engines.map((one) => 1 - utilization(one));
}

/** `utilization-detector` of llm-d: mean over engines of the worse of queue and KV cache against their thresholds. */
export function saturation(
  engines: readonly EngineGauges[],
  waiting: readonly number[],
  thresholds: SaturationThresholds,
): number {
  if (engines.length === 0) return 0;
  const each = engines.map((one, at) =>
    Math.max((waiting[at] ?? 0) / thresholds.queueDepth, utilization(one) / thresholds.kvShare),
  );
  return each.reduce((sum, one) => sum + one, 0) / each.length;
}

/** The same as a filter: engines over neither threshold, or all where there is none. */
export function unsaturated(
  engines: readonly EngineGauges[],
  waitingOf: (engine: EngineGauges) => number,
  thresholds: SaturationThresholds,
): readonly EngineGauges[] {
  const left = engines.filter(
    (one) => waitingOf(one) <= thresholds.queueDepth && utilization(one) <= thresholds.kvShare,
  );
  return left.length === 0 ? engines : left;
}

export type SaturationThresholds = {
  /** Waiting requests of an engine that count as saturated; 5 by default. */
  readonly queueDepth: number;
  /** Share of its KV cache in use that counts as saturated; 0.8 by default. */
  readonly kvShare: number;
};

function utilization({ kvUsedTokens, kvTokens }: EngineGauges): number {
  return Math.min(1, kvUsedTokens / Math.max(1, kvTokens));
}
