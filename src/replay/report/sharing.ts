import { ceilingsOf } from "../ceilings.ts";
import type { Workload } from "../workload.ts";

/** What prompts have in common, and how much cache it takes to profit from it. */
export type Sharing = {
  /** False where the trace has no hashes: then nothing is known of it. */
  readonly isKnown: boolean;
  /** Share of prompt tokens that one infinite cache would hold, and of the trace's own blocks. */
  readonly ceiling: number;
  readonly ceilingByBlock: number | null;
  /** Share of requests that find nothing there, something, or more than half of their prompt. */
  readonly findNothing: number;
  readonly findSome: number;
  readonly findMost: number;
  /** Share of the prompts' blocks that occur once in the whole trace. */
  readonly blocksOnce: number;
  /** Requests that hold the most common block, as a share of all. */
  readonly mostCommon: number;
  /** Hit rate of one least-recently-used cache of this many tokens. */
  readonly bySize: readonly { readonly tokens: number; readonly hitRate: number }[];
};

const CACHE_SIZES = [1e6, 3e6, 10e6, 30e6, 100e6];

export function sharingOf(workload: Workload, cachedTokens: Int32Array, ceiling: number): Sharing {
  const { count, promptTokens, blocks, blockIds, ceilingByBlock } = workload;
  const isKnown = blocks.length > 0;
  const uses = new Uint32Array(blockIds);
  for (const block of blocks) uses[block] = (uses[block] ?? 0) + 1;
  let [nothing, most] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (cachedTokens[i] === 0) nothing++;
    else if ((cachedTokens[i] as number) * 2 > (promptTokens[i] as number)) most++;
  }
  const once = uses.reduce((sum, times) => sum + (times === 1 ? 1 : 0), 0);
  const share = (part: number): number => part / Math.max(1, count);
  return {
    isKnown,
    ceiling,
    ceilingByBlock,
    findNothing: share(nothing),
    findSome: share(count - nothing - most),
    findMost: share(most),
    blocksOnce: once / Math.max(1, blocks.length),
    mostCommon: share(uses.reduce((top, times) => Math.max(top, times), 0)),
    bySize: isKnown
      ? CACHE_SIZES.map((tokens) => ({ tokens, hitRate: ceilingsOf(workload, tokens).pooled }))
      : [],
  };
}
