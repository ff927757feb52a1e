import { type EngineState, capacityTokens } from "./region-state.ts";

/** A leg that should have ended may end any moment, but hardly at once, ms. */
const OVERDUE_MS = 500;

/** Until so many of the running legs are expected to have ended that a prompt fits the engine's KV cache, ms. */
export function roomInMs(engine: EngineState, needTokens: number, nowMs: number): number {
  let short = engine.kvTokens + needTokens - capacityTokens(engine.pool);
  if (!(short > 0)) return 0;
  const running = [...engine.grants.values()].toSorted((a, b) => a.endsAt - b.endsAt);
  let waitMs = 0;
  for (const { endsAt, kvTokens } of running) {
    if (short <= 0) break;
    short -= kvTokens;
    waitMs = Math.max(OVERDUE_MS, endsAt - nowMs);
  }
  return waitMs;
}
