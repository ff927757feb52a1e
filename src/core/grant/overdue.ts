import type { EngineState } from "./region-state.ts";

/** A first token is known to the ledger this long after it was said, ms. */
export const REPORTS_LATE_MS = 300;

/**
 * How long an engine is expected to go on with what should be over, ms: as long as it is late with a first token. It may
 * be computing what it was believed to hold, and who is late is late for long.
 */
export function overdueMs({ silent }: EngineState, nowMs: number): number {
  const dueAt = (silent[0]?.prefillEndsAt ?? Infinity) + REPORTS_LATE_MS;
  return Math.max(0, nowMs - dueAt);
}
