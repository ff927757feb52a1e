import { foreignAt } from "./foreign.ts";
import {
  type EngineState,
  type LiveGrant,
  type PoolState,
  capacityTokens,
} from "./region-state.ts";

/** A leg that should have ended may end any moment, but hardly at once, ms. */
const OVERDUE_MS = 500;
/** What a ledger that has forgotten legs reckons with, as a share of what there is. */
const UNSURE_SHARE = 0.5;

/**
 * Until so many of the running legs are expected to have ended that a leg fits the engine's KV cache, ms. What it has
 * in common with them is there already.
 */
export function roomInMs(
  engine: EngineState,
  { keys, linkTokens }: Pick<LiveGrant, "keys" | "linkTokens">,
  needTokens: number,
  nowMs: number,
): number {
  const others = foreignAt(engine, nowMs).kvTokens;
  let short = engine.kvTokens + others + needTokens - kvCapacityAt(engine.pool, nowMs);
  if (!(short > 0)) return 0;
  short -= engine.index.runningTokens(keys, linkTokens, nowMs);
  if (!(short > 0)) return 0;
  engine.byEnd ??= [...engine.grants.values()].toSorted((a, b) => a.endsAt - b.endsAt);
  let waitMs = 0;
  for (const { endsAt, kvTokens } of engine.byEnd) {
    if (short <= 0) break;
    short -= kvTokens;
    waitMs = Math.max(OVERDUE_MS, endsAt - nowMs);
  }
  return waitMs;
}

/** KV cache tokens of one engine that the ledger reckons with. */
export function kvCapacityAt(pool: PoolState, nowMs: number): number {
  return capacityTokens(pool) * shareAt(pool, nowMs);
}

/** Decode slots of one engine that the ledger reckons with. */
export function slotsAt(pool: PoolState, nowMs: number): number {
  return Math.max(1, Math.floor(pool.pool.maxBatch * shareAt(pool, nowMs)));
}

/**
 * Forgotten legs hold KV cache and slots for as long as they run, which is why those are halved. Their prefill is not
 * booked twice: no engine was given more than a moment of it ahead, and what the prefix index keeps is not theirs alone.
 */
function shareAt({ unsureUntil }: PoolState, nowMs: number): number {
  return nowMs < unsureUntil ? UNSURE_SHARE : 1;
}
