import type { EngineState } from "./region-state.ts";

/** Work granted this long ago counts half, ms. */
const HALF_LIFE_MS = 600_000;

/** Work granted to an engine lately, ms: what breaks ties, so that equal engines share the work. */
export function recentWorkMs({ workMs, workAt }: EngineState, nowMs: number): number {
  return workMs * 0.5 ** (Math.max(0, nowMs - workAt) / HALF_LIFE_MS);
}

/** Adds granted work. */
export function addWork(engine: EngineState, ms: number, nowMs: number): void {
  engine.workMs = recentWorkMs(engine, nowMs) + ms;
  engine.workAt = nowMs;
}
