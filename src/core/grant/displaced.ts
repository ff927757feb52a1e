import { recomputeMs } from "./recompute.ts";
import { type EngineState, indexCapacity } from "./region-state.ts";
import { pauseMs } from "./returns.ts";

/** Chance that a conversation that was just answered comes back to the engine, by whether the engine decodes. */
const RETURNS = 0.9;
/** A prefill engine's copy is one of two: the decode engine holds the prefix as well, and takes small additions itself. */
const RETURNS_TO_PREFILL = 0.5;

/**
 * What taking a prompt in costs the conversations whose cache makes room for it: their recompute, ms, by the chance
 * that they come back. The longer one has been idle, the less likely it does.
 */
export function displacedMs(
  engine: EngineState,
  keys: Float64Array,
  linkTokens: Uint32Array,
  needTokens: number,
  nowMs: number,
): number {
  const { pool, index } = engine;
  if (pool.pool.routed !== "us") return 0;
  const capacityTokens = indexCapacity(engine);
  if (index.tokens + needTokens <= capacityTokens) return 0;
  const returns = pool.pool.roles.includes("decode") ? RETURNS : RETURNS_TO_PREFILL;
  const meanMs = pauseMs(pool);
  const lost = index.displaced(keys, linkTokens, needTokens, capacityTokens, nowMs, (idleMs) => {
    const silent = returns * Math.exp(-Math.max(0, idleMs) / meanMs);
    return silent / (silent + 1 - returns);
  });
  if (lost < 1) return 0;
  // The others are taken to be about as long as this one.
  const length = Math.max(lost, needTokens);
  return recomputeMs(engine, length, length - lost, nowMs);
}
