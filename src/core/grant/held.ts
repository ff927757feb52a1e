import type { EngineState } from "./region-state.ts";

/** Engine id → prefix tokens its session believes it holds. */
export type SessionHeld = Readonly<Record<string, number>>;

/** Longest stretch of generated tokens that is believed to follow the links an engine holds. */
const ANSWER_TOKENS = 4096;

/**
 * Prefix tokens an engine is believed to hold: what was sent to it from here, where this region has seen the
 * conversation at all; else what its session believes.
 */
export function heldTokens(
  engine: EngineState,
  keys: BigUint64Array,
  linkTokens: Uint32Array,
  held: SessionHeld,
): number {
  const claimed = held[engine.id] ?? 0;
  if (!engine.index.knows(keys)) return claimed;
  const indexed = engine.index.heldTokens(keys, linkTokens);
  // The session also knows of the answer that was generated after the last link.
  return Math.max(indexed, Math.min(claimed, indexed + ANSWER_TOKENS));
}
