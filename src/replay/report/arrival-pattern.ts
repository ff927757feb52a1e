import type { Workload } from "../workload.ts";

/** How requests come. Where a later turn waits for its answer, only first turns have a time of their own. */
export type ArrivalPattern = {
  /** Requests, or sessions where turns wait, that come at a time of their own. */
  readonly arrivals: number;
  readonly spanS: number;
  readonly perS: number;
  /** Deviation of the gaps between arrivals over their mean: 1 by pure chance, more in bursts. */
  readonly gapVariation: number;
  /** Most that come at one moment. */
  readonly mostAtOnce: number;
  /** Times that are different. */
  readonly moments: number;
  /** Busiest tenth-minute over the mean. */
  readonly peakOverMean: number;
  /** Arrivals in each of equal steps over the span. */
  readonly course: readonly number[];
  readonly sessions: number;
  readonly turnsPerSession: number;
  /** Mean pause before later turns, s; undefined without any. */
  readonly thinkS: number | undefined;
};

const STEPS = 90;
const PEAK_MS = 6000;

export function arrivalPattern(workload: Workload): ArrivalPattern {
  const { atMs, after, thinkMs, count, session } = workload;
  const own = [...atMs].filter((_, i) => (after[i] ?? -1) < 0);
  const startMs = own[0] ?? 0;
  const spanMs = Math.max(1, (own.at(-1) ?? 0) - startMs);
  const later = [...thinkMs].filter((_, i) => (after[i] ?? -1) >= 0);
  const sessions = new Set(session);
  const inSessions = session.reduce((sum, one) => sum + (one >= 0 ? 1 : 0), 0);
  sessions.delete(-1);
  const peak = Math.max(0, ...counted(own, startMs, PEAK_MS, Math.floor(spanMs / PEAK_MS) + 1));
  const moments = new Map<number, number>();
  for (const at of own) moments.set(at, (moments.get(at) ?? 0) + 1);
  return {
    arrivals: own.length,
    spanS: spanMs / 1000,
    perS: (own.length / spanMs) * 1000,
    gapVariation: gapVariation(own),
    mostAtOnce: [...moments.values()].reduce((most, here) => Math.max(most, here), 0),
    moments: moments.size,
    peakOverMean: peak / Math.max(1e-9, (own.length * PEAK_MS) / Math.max(spanMs, PEAK_MS)),
    course: counted(own, startMs, spanMs / STEPS, STEPS),
    sessions: count - inSessions + sessions.size,
    turnsPerSession: count / Math.max(1, count - inSessions + sessions.size),
    thinkS:
      later.length === 0 ? undefined : later.reduce((sum, ms) => sum + ms, 0) / later.length / 1000,
  };
}

function counted(times: readonly number[], fromMs: number, stepMs: number, steps: number) {
  const counts = Array.from({ length: steps }, () => 0);
  for (const at of times) {
    const step = Math.min(steps - 1, Math.floor((at - fromMs) / stepMs));
    counts[step] = (counts[step] ?? 0) + 1;
  }
  return counts;
}

function gapVariation(times: readonly number[]): number {
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  if (gaps.length === 0) return 0;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const squares = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0);
  return mean === 0 ? 0 : Math.sqrt(squares / gaps.length) / mean;
}
