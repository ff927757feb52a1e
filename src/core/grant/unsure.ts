import { unprovenBreaker } from "./breaker.ts";
import { LEASE_MS } from "./enter.ts";
import type { RegionState } from "./region-state.ts";

/**
 * The ledger begins without its memory. Whoever runs a leg tells of it within one lease, and until then half of every
 * engine may be taken; of no engine is it known whether it is well.
 */
export function beginUnsure(state: RegionState, nowMs: number): void {
  for (const pool of state.pools.values()) {
    pool.unsureUntil = nowMs + LEASE_MS;
    for (const { breaker } of pool.engines) Object.assign(breaker, unprovenBreaker());
  }
}
