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
  keys: Float64Array,
  linkTokens: Uint32Array,
  held: SessionHeld,
): number {
  const claimed = claimsOf(held).get(engine.id) ?? 0;
  if (!engine.index.knows(keys)) return claimed;
  const indexed = engine.index.heldTokens(keys, linkTokens);
  if (!engine.index.holdsWhole(keys, linkTokens)) return indexed;
  // The session also knows of the answer that was generated after the last link.
  return Math.max(indexed, Math.min(claimed, indexed + ANSWER_TOKENS));
}

/** As a `Map`, where looking up a name that is not there is twenty times as fast; one session is asked for engine after engine. */
function claimsOf(held: SessionHeld): ReadonlyMap<string, number> {
  if (last?.held !== held) last = { held, claims: new Map(Object.entries(held)) };
  return last.claims;
}

let last: { readonly held: SessionHeld; readonly claims: ReadonlyMap<string, number> } | undefined;
