import type { Spread } from "./statistics.ts";
import type { Summary } from "./summary.ts";

/** The numbers of one run under the names that `--json` prints; latencies as vLLM's benchmark names them. */
export type Figures = Readonly<Record<string, number>>;

/** A summary as flat numbers. */
export function figuresOf(summary: Summary): Figures {
  return {
    requests: summary.requests,
    completed: summary.finished,
    shed: summary.shed,
    failed: summary.failed,
    ...spreadFields("ttft_ms", summary.ttftMs),
    ...spreadFields("tpot_ms", summary.tpotMs),
    ...spreadFields("e2el_ms", summary.e2eMs),
    ...spreadFields("slowdown", summary.slowdown),
    ...Object.fromEntries(
      summary.slowdownByQuartile.flatMap(({ p99, max }, quartile) => [
        [`p99_slowdown_q${quartile + 1}`, p99],
        [`max_slowdown_q${quartile + 1}`, max],
      ]),
    ),
    bound_ttft_ms: summary.boundTtftMs,
    regret_ms: summary.regretMs,
    request_goodput: summary.goodput,
    hit_rate: summary.hitRate,
    pulled_rate: summary.pulledRate,
    hit_ceiling: summary.hitCeiling,
    ...(summary.hitCeilingByBlock !== null && {
      hit_ceiling_by_block: summary.hitCeilingByBlock,
    }),
    hit_pooled_lru: summary.hitPooledLru,
    load_max_over_mean: summary.loadMaxOverMean,
    busy_share: summary.busyShare,
    moved_gb: summary.movedGB,
    usd_per_mtok: summary.usdPerMTok,
    joules_per_mtok: summary.joulesPerMTok,
    ...Object.fromEntries(
      Object.entries(summary.byDevice).flatMap(([device, one]) => [
        [`usd_per_mtok_${device}`, one.usdPerMTok],
        [`joules_per_mtok_${device}`, one.joulesPerMTok],
        [`busy_share_${device}`, one.busyShare],
      ]),
    ),
    ...(summary.lost && {
      restart_lost_legs: summary.lost.legs,
      restart_lost_cached_tokens: summary.lost.cachedTokens,
      restart_rerouted: summary.lost.rerouted,
    }),
    span_s: summary.spanS,
  };
}

function spreadFields(name: string, { mean, p50, p90, p99, max }: Spread): Figures {
  return {
    [`mean_${name}`]: mean,
    [`p50_${name}`]: p50,
    [`p90_${name}`]: p90,
    [`p99_${name}`]: p99,
    [`max_${name}`]: max,
  };
}

/** The mean of each number over the runs of several seeds, and half the width of its 95 % interval. */
export function overSeeds(runs: readonly Figures[]): {
  readonly means: Figures;
  readonly halfWidths: Figures;
} {
  const means: Record<string, number> = {};
  const halfWidths: Record<string, number> = {};
  for (const name of Object.keys(runs[0] ?? {})) {
    const values = runs.map((run) => run[name] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    means[name] = mean;
    if (values.length < 2) continue;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / (values.length - 1));
    halfWidths[name] = (studentT(values.length - 1) * deviation) / Math.sqrt(values.length);
  }
  return { means, halfWidths };
}

/** Two-sided 95 % points of Student's distribution, by degrees of freedom from 1. */
const STUDENT_T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

function studentT(degrees: number): number {
  return STUDENT_T[degrees - 1] ?? 1.96 + 2.5 / degrees;
}
