import { type EngineState, type LiveGrant, indexCapacity } from "./region-state.ts";

/** In a crowd each leg touches all others: that much is not worth more often than this, ms. */
const CROWD_LASTS_MS = 1000;

/**
 * Enters a chain in an engine's index as used until `untilMs`. Where room has to be made, idle conversations leave
 * before running ones: an engine cannot evict what it works on.
 */
export function touch(
  engine: EngineState,
  chain: Pick<LiveGrant, "keys" | "linkTokens">,
  nowMs: number,
  untilMs = nowMs,
  readyAt = -Infinity,
): void {
  const { index, grants } = engine;
  const capacity = indexCapacity(engine);
  index.insert(chain.keys, chain.linkTokens, Infinity, untilMs, readyAt);
  if (index.tokens <= capacity && !engine.crowded) return;
  const wasCrowded = engine.crowded;
  engine.crowded = engine.kvTokens > capacity;
  const isRoomy = !wasCrowded && !engine.crowded;
  const [oldest] = grants.values();
  if (isRoomy && !index.evictsSince(capacity, oldest?.grantedAt ?? Infinity)) {
    return index.shrink(capacity);
  }
  if (engine.crowded && nowMs - engine.crowdedAt < CROWD_LASTS_MS) return index.shrink(capacity);
  engine.crowdedAt = nowMs;
  // Whoever was granted first is running; who came last may still wait for room.
  for (const live of [...grants.values()].toReversed()) {
    if (live.keys === chain.keys) continue;
    index.insert(live.keys, live.linkTokens, Infinity, live.endsAt, live.prefillEndsAt);
  }
  index.shrink(capacity);
}
