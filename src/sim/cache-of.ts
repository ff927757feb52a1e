import { BlockCache } from "./blocks.ts";
import type { SimOptions } from "./events.ts";
import { BLOCK_TOKENS } from "./hash.ts";

/** An empty cache of `kvTokens` in the first tier, with the device's other tiers below it. */
export function cacheOf(
  { kvBytesPerToken, tiers }: Pick<SimOptions, "kvBytesPerToken" | "tiers">,
  kvTokens: number,
): BlockCache {
  const blockBytes = kvBytesPerToken * BLOCK_TOKENS;
  const lower = tiers.slice(1).map((tier) => ({
    blocks: Math.floor(tier.bytes / blockBytes),
    msPerBlock: (blockBytes / tier.bytesPerS) * 1000,
  }));
  return new BlockCache(Math.floor(kvTokens / BLOCK_TOKENS), lower);
}
