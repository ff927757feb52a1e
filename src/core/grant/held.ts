import type { EngineState } from "./region-state.ts";

/**
 * Prefix tokens an engine is believed to hold: what was sent to it from here, where this region has seen the
 * conversation at all; else what its session believes.
 */
export function heldTokens(
  engine: EngineState,
  keys: readonly string[],
  linkTokens: Uint32Array,
  held: Readonly<Record<string, number>>,
): number {
  const links = engine.index.heldLinks(keys);
  const claimed = held[engine.id] ?? 0;
  if (links === 0) return claimed;
  const indexed = linkTokens[links - 1] ?? 0;
  // The session also knows of the answer that was generated after the last link.
  return links === keys.length || claimed === 0
    ? Math.max(indexed, claimed)
    : Math.max(indexed, Math.min(claimed, indexed + ANSWER_TOKENS));
}

/** Longest stretch of generated tokens that is believed to follow the links an engine holds. */
const ANSWER_TOKENS = 4096;
