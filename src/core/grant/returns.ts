import type { EngineState, PoolState } from "./region-state.ts";
import { recomputeMs } from "./recompute.ts";
import { indexCapacity } from "./region-state.ts";

/** How conversations come back to a pool. */
export type Returns = {
  /** Mean time between the end of a turn and the next at the same engine, ms. */
  meanPauseMs: number;
  /** Share of legs that go on with a conversation, wherever its cache went: the chance that a turn is not the last. */
  chance: number;
};

/** Before anything was seen: agents, who nearly always come back. */
export function expectedReturns(): Returns {
  return { meanPauseMs: 0, chance: 0.9 };
}

/** Pauses between turns are taken to be at least this long on average, ms. */
const SHORTEST_PAUSE_MS = 10_000;
/** Weight of one observed pause, and of one leg. */
const PAUSE_WEIGHT = 0.05;
const LEG_WEIGHT = 0.01;

/** Learns from a leg: how much of its prompt was known before, and how long that had been idle at its engine, ms. */
export function observeReturn(
  { returns }: PoolState,
  promptTokens: number,
  knownTokens: number,
  pauseMs: number | undefined,
): void {
  // Less than half is what others say as well.
  const isReturn = 2 * knownTokens > promptTokens;
  returns.chance += LEG_WEIGHT * ((isReturn ? 1 : 0) - returns.chance);
  if (!isReturn || pauseMs === undefined) return;
  returns.meanPauseMs += PAUSE_WEIGHT * (Math.max(0, pauseMs) - returns.meanPauseMs);
}

/** An engine is left in peace this many times as long as what was pushed out there takes to compute again. */
export const PEACE = 10;

/** The mean pause to reckon with, ms. */
export function pauseMs({ returns }: PoolState): number {
  return Math.max(SHORTEST_PAUSE_MS, returns.meanPauseMs);
}

/**
 * Whether room for `moreTokens` of a prompt would be made by conversations that had better stay. One is kept while the
 * chance that it comes back the next moment, times the time in which the engine could compute its whole cache anew,
 * exceeds that moment: longer than that a place in the cache is dearer than what it saves.
 */
export function crowdsOut(
  engine: EngineState,
  promptTokens: number,
  moreTokens: number,
  nowMs: number,
): boolean {
  const { pool, index } = engine;
  const capacityTokens = indexCapacity(engine) - moreTokens;
  if (pool.pool.routed !== "us" || index.tokens <= capacityTokens) return false;
  const { chance } = pool.returns;
  const meanMs = pauseMs(pool);
  const againMs = recomputeMs(engine, promptTokens, 0, nowMs);
  const least = (meanMs * promptTokens) / (againMs * pool.speed.kvTokens);
  if (!(least < chance)) return false;
  const odds = (chance / (1 - chance)) * ((1 - least) / least);
  return index.evictsSince(capacityTokens, nowMs - meanMs * Math.log(odds));
}
