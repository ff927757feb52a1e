import type { FleetLeg } from "./leg.ts";

/** What an engine tells its fleet. None of it may call back into the engine at once. */
export type EngineListener = {
  /** Call `iterationOver(stamp)` then. */
  wakeAt(atMs: number, stamp: number): void;
  /** Call `loaded` when that much KV cache has come from `leg.pullFrom`. */
  fetch(leg: FleetLeg, tokens: number): void;
  firstToken(leg: FleetLeg, atMs: number): void;
  done(leg: FleetLeg, atMs: number): void;
  failed(leg: FleetLeg, reason: "too-long" | "restarted", atMs: number): void;
};

/** What restarts took: legs that ran or waited, and tokens of prefixes that were cached. */
export type Lost = { readonly legs: number; readonly cachedTokens: number };
