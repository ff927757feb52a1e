import type { Reconciled } from "./ledgers.ts";
import { poolLoads, worstLoad, type PoolLoad } from "./loads.ts";
import type { BlockLog } from "./pooled-lru.ts";
import { prefilledAwayShare } from "./prefilled-away.ts";

/** How well the caches and engines were used, by the engines' own ledgers. */
export function cacheFigures(
  { entries, blocks }: Pick<Reconciled, "entries" | "blocks">,
  log: BlockLog,
  promptTokens: number,
): CacheFigures {
  const all = [...entries.values()].flat();
  const computed = all.reduce((sum, entry) => sum + entry.computedTokens, 0);
  const hitRate = all.length === 0 || promptTokens === 0 ? null : 1 - computed / promptTokens;
  const prefilled = [...entries].filter(([, list]) => list.some((e) => e.computedTokens > 0));
  const used = blocksOf(
    blocks,
    prefilled.map(([engine]) => engine),
  );
  const every = blocksOf(blocks, blocks.keys());
  const pooledUsed = used === 0 ? null : log.hitRate(used);
  const pooled = every === 0 ? null : log.hitRate(every);
  const loads = poolLoads(entries);
  return {
    hit_rate_ledger: hitRate,
    pooled_lru: {
      hit_rate: pooled,
      tokens: every * BLOCK_TOKENS,
      engines: blocks.size,
      reached: hitRate === null || !pooled ? null : hitRate / pooled,
      hit_rate_of_used: pooledUsed,
      tokens_of_used: used * BLOCK_TOKENS,
      engines_used: prefilled.length,
      reached_of_used: hitRate === null || !pooledUsed ? null : hitRate / pooledUsed,
    },
    loads,
    load_requests_max_over_mean: worstLoad(loads, "requests_max_over_mean"),
    load_tokens_max_over_mean: worstLoad(loads, "tokens_max_over_mean"),
    prefilled_away_share: prefilledAwayShare(all),
  };
}

export type CacheFigures = {
  /** 1 − prompt tokens computed by any leg / prompt tokens. */
  readonly hit_rate_ledger: number | null;
  /** One LRU of the KV cache of every engine of the model, replayed in the order of the run; and of those that prefilled. */
  readonly pooled_lru: {
    readonly hit_rate: number | null;
    readonly tokens: number;
    readonly engines: number;
    /** `hit_rate_ledger` over `hit_rate`. */
    readonly reached: number | null;
    readonly hit_rate_of_used: number | null;
    readonly tokens_of_used: number;
    readonly engines_used: number;
    readonly reached_of_used: number | null;
  };
  readonly loads: Readonly<Record<string, PoolLoad>>;
  /** The worst pool of those with enough traffic to tell. */
  readonly load_requests_max_over_mean: number | null;
  readonly load_tokens_max_over_mean: number | null;
  /** Of all computed prompt tokens, those computed by prefill legs: the engine that decoded was another. */
  readonly prefilled_away_share: number | null;
};

const BLOCK_TOKENS = 16;

function blocksOf(blocks: ReadonlyMap<string, number>, engines: Iterable<string>): number {
  let sum = 0;
  for (const engine of engines) sum += blocks.get(engine) ?? 0;
  return sum;
}
