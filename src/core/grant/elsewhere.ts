import type { GrantAsk } from "./grant.ts";
import { type SessionHeld, heldTokens } from "./held.ts";
import { engineOf, type RegionState } from "./region-state.ts";

/**
 * What engines of a region's other pools hold of a conversation, of those its session believes in: engine id → prefix
 * tokens. Undefined where it believes in none of them.
 */
export function heldElsewhere(
  state: RegionState,
  { pool, held, linkTokens }: GrantAsk,
  keys: Float64Array,
): SessionHeld | undefined {
  if (state.pools.size === 1) return undefined;
  let elsewhere: Record<string, number> | undefined;
  for (const id of Object.keys(held)) {
    const engine = engineOf(state, id);
    if (engine === undefined || engine.pool.pool.id === pool) continue;
    elsewhere ??= {};
    elsewhere[id] = heldTokens(engine, keys, linkTokens, held);
  }
  return elsewhere;
}
