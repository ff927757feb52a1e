import type { Clock } from "../../src/core/clock.ts";

/** The world's time. */
export const REAL_TIME: Clock = {
  now: Date.now,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
