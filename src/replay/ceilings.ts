import { FastBlockCache } from "./block-cache.ts";
import { matchable } from "./lru-model.ts";
import { blocksOf, type Workload } from "./workload.ts";

/** What caching could do at best for a workload, whoever routes it; requests one after another. */
export type Ceilings = {
  /** Share of the trace's hash ids that an infinite cache had seen; null without hashes. */
  readonly byBlock: number | null;
  /** Share of prompt tokens that one infinite cache would hold. */
  readonly infinite: number;
  /** Share of prompt tokens that one least-recently-used cache of `pooledTokens` would hold. */
  readonly pooled: number;
  /** Prompt tokens of each request in the infinite cache. */
  readonly cachedTokens: Int32Array;
};

/**
 * The ceilings of a workload, with a pooled cache as large as a fleet's together. `order` are its requests as they came:
 * where turns wait for answers, that differs from run to run.
 */
export function ceilingsOf(
  workload: Workload,
  pooledTokens: number,
  order: Iterable<number> = Array(workload.count).keys(),
): Ceilings {
  const { blockTokens, count, promptTokens } = workload;
  const seen = new Uint8Array(workload.blockIds);
  const pool = new FastBlockCache(
    Math.min(workload.blockIds + 1, Math.floor(pooledTokens / blockTokens)),
  );
  const cachedTokens = new Int32Array(count);
  let prompts = 0;
  let infinite = 0;
  let pooled = 0;
  for (const i of order) {
    const blocks = blocksOf(workload, i);
    const most = matchable({ promptTokens: promptTokens[i] as number, blocks }, blockTokens);
    let found = 0;
    while (found < most && seen[blocks[found] as number] === 1) found++;
    for (const block of blocks) seen[block] = 1;
    cachedTokens[i] = found * blockTokens;
    prompts += promptTokens[i] as number;
    infinite += found * blockTokens;
    pooled += useAll(pool, blocks, most) * blockTokens;
  }
  return {
    byBlock: workload.ceilingByBlock,
    infinite: prompts === 0 ? 0 : infinite / prompts,
    pooled: prompts === 0 ? 0 : pooled / prompts,
    cachedTokens,
  };
}

/** Requests in the order of their arrivals. */
export function orderOf(arrivedAt: Float64Array): number[] {
  return [...arrivedAt.keys()].toSorted(
    (a, b) => (arrivedAt[a] ?? 0) - (arrivedAt[b] ?? 0) || a - b,
  );
}

/** Looks a prompt up and enters it; how many of its first `most` blocks were held. */
function useAll(cache: FastBlockCache, blocks: Int32Array, most: number): number {
  const known = cache.match(blocks, blocks.length);
  const count = Math.min(blocks.length, cache.capacity);
  if (cache.take(blocks, Math.min(known, count), count - Math.min(known, count))) {
    for (let i = known; i < count; i++) cache.name(blocks[i] as number);
    cache.release(blocks, count, 0);
  }
  return Math.min(known, most);
}
