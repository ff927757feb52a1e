import type { EngineState, PoolState } from "./region-state.ts";

/** Work granted to an engine, or to all of a pool; what was granted long ago counts less. */
export type RecentWork = { ms: number; legs: number };

/** Work granted this long ago counts half, ms. */
const HALF_LIFE_MS = 1_800_000;
/** How often that is brought up to date, for a whole pool at once, ms. */
const FADE_EVERY_MS = 60_000;
/** Times its share from which an engine counts as overworked: less is chance. */
const NOTABLE = 1.2;
/** More than this is no worse: in a large pool with little to do, whoever works has many times its share. */
const MOST_RATIO = 2;
/** Work beyond that which is still let pass, ms: a conversation or two make no trend, and had better stay. */
const LET_PASS_MS = 40_000;
/** Price of a millisecond beyond that. */
const OVERWORK_WEIGHT = 0.4;

/** Adds one leg granted to an engine. */
export function addWork({ pool, work }: EngineState, ms: number, nowMs: number): void {
  fade(pool, nowMs);
  for (const recent of [work, pool.work]) {
    recent.ms += ms;
    recent.legs += 1;
  }
}

/** Work that an engine was granted lately over its share of its pool's: by its time or its legs, whichever is more. */
export function workRatio(pool: PoolState, { work }: EngineState): number {
  const { ms, legs } = pool.work;
  if (ms <= 0 || legs <= 0) return 0;
  return Math.max(work.ms / ms, work.legs / legs) * pool.engines.length;
}

/**
 * What it is worth to spare an engine that was granted notably more than its share, ms. It grows until it outweighs the
 * recompute of a conversation that could go on elsewhere in the pool.
 */
export function overworkMs(pool: PoolState, ratio: number): number {
  const shareMs = pool.work.ms / pool.engines.length;
  const beyondMs = (Math.min(MOST_RATIO, ratio) - NOTABLE) * shareMs;
  return OVERWORK_WEIGHT * Math.max(0, beyondMs - LET_PASS_MS);
}

function fade(pool: PoolState, nowMs: number): void {
  const passedMs = nowMs - pool.workFadedAt;
  if (passedMs < FADE_EVERY_MS) return;
  pool.workFadedAt = nowMs;
  const left = 0.5 ** (passedMs / HALF_LIFE_MS);
  for (const recent of [pool.work, ...pool.engines.map(({ work }) => work)]) {
    recent.ms *= left;
    recent.legs *= left;
  }
}
