import { linkKeys } from "../link-keys.ts";
import type { GrantAsk } from "./offer.ts";
import { type RegionState, indexCapacity } from "./region-state.ts";

/**
 * Enters what a session believes its engines hold, where it learned that at a time of which this ledger knows nothing:
 * later it knows better than the session, which is not told of evictions. `learnedAt` is by engine, epoch ms.
 */
export function relearn(
  state: RegionState,
  ask: GrantAsk,
  learnedAt: Readonly<Record<string, number>>,
  unknown: { readonly fromMs: number; readonly toMs: number },
): void {
  const { held, linkTokens } = ask;
  for (const engine of state.pools.get(ask.pool)?.engines ?? []) {
    const tokens = held[engine.id] ?? 0;
    const at = learnedAt[engine.id];
    if (tokens <= 0 || at === undefined || at < unknown.fromMs || at >= unknown.toMs) continue;
    const links = linksWithin(linkTokens, tokens);
    const keys = linkKeys(ask.chain);
    if (engine.index.heldTokens(keys, linkTokens) >= (linkTokens[links - 1] ?? 0)) continue;
    const capacity = indexCapacity(engine);
    engine.index.insert(keys.subarray(0, links), linkTokens.subarray(0, links), capacity, at);
  }
}

/** Whole links within so many tokens. */
function linksWithin(linkTokens: Uint32Array, tokens: number): number {
  const beyond = linkTokens.findIndex((upTo) => upTo > tokens);
  return beyond < 0 ? linkTokens.length : beyond;
}
