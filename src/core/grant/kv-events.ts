import type { EngineState } from "./region-state.ts";
import { missed } from "./residency.ts";

/** How far the cache events of one data-parallel rank were read. */
export type KvCursor = {
  readonly rank: number;
  readonly lastId: number;
  /** The widest attention window seen, tokens: whole prefixes are cached in that one alone. */
  readonly windowTokens?: number | undefined;
};

/** What an engine's cache events come to since they were last read. */
export type KvTold = {
  readonly cursors: readonly KvCursor[];
  readonly removedBlocks: number;
  /** Tokens in one block; undefined where no event told. */
  readonly blockTokens: number | undefined;
  /** Events are missing. */
  readonly gap: boolean;
  readonly restarted: boolean;
};

/** What is known of an engine's cache events. */
export type KvEvents = {
  readonly cursors: readonly KvCursor[];
  readonly blockTokens: number | undefined;
  /** What the model had evicted by then, tokens. */
  readonly evictedThen: number;
};

export function noKvEvents(): KvEvents {
  return { cursors: [], blockTokens: undefined, evictedThen: 0 };
}

/**
 * Enters what an engine's cache events tell. They name blocks by hashes of the engine's own, over token ids that no
 * router has: which of our prefixes were stored or removed nobody can tell from them. What they do tell is how much was
 * evicted. Where that is more than the model of its cache has evicted meanwhile, others fill it as well, and the model
 * is aged by as much of the rest as it holds of the whole. An engine that restarted holds nothing; where events are
 * missing that is one more reason to doubt what it holds.
 */
export function hearEvictions(engine: EngineState, told: KvTold): void {
  const { index, pool, kv, residency } = engine;
  if (told.restarted) index.clear();
  // Of what was before the first reading nobody expected to hear.
  else if (told.gap && kv.cursors.length > 0) missed(residency);
  const blockTokens = told.blockTokens ?? kv.blockTokens;
  const removedTokens = told.removedBlocks * (blockTokens ?? 0);
  const moreTokens = removedTokens - (index.evictedTokens - kv.evictedThen);
  const isExpected = kv.cursors.length > 0 && !told.restarted;
  if (isExpected && moreTokens > 0) {
    index.shrink(index.tokens - moreTokens * Math.min(1, index.tokens / pool.speed.kvTokens));
  }
  const cursors = merged(kv.cursors, told);
  engine.kv = { cursors, blockTokens, evictedThen: index.evictedTokens };
}

/** Ranks that told nothing are where they were. */
function merged(known: readonly KvCursor[], { cursors }: KvTold): readonly KvCursor[] {
  const others = known.filter(({ rank }) => cursors.every((one) => one.rank !== rank));
  return [...others, ...cursors];
}
