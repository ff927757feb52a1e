import { type EngineState, type LiveGrant, indexCapacity } from "./region-state.ts";

/**
 * Enters a chain in an engine's index as used until `untilMs`. Where room has to be made, idle conversations leave
 * before running ones: an engine cannot evict what it works on.
 */
export function touch(
  engine: EngineState,
  chain: Pick<LiveGrant, "keys" | "linkTokens">,
  untilMs: number,
): void {
  const { index, grants } = engine;
  const capacity = indexCapacity(engine);
  index.insert(chain.keys, chain.linkTokens, Infinity, untilMs);
  if (index.tokens <= capacity && !engine.crowded) return;
  engine.crowded = engine.kvTokens > capacity;
  // Whoever was granted first is running; who came last may still wait for room.
  for (const live of [...grants.values()].toReversed()) {
    if (live.keys !== chain.keys) index.insert(live.keys, live.linkTokens, Infinity, live.endsAt);
  }
  index.shrink(capacity);
}
