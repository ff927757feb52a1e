import type { ReplayRequest } from "./policy.ts";
import type { PrefixModel } from "./prefix-model.ts";
import { SentBlocks } from "./sent-blocks.ts";

/** A router's own model of the engines' caches: whole prompts, least recently used out first. */
export function lruModel(
  capacities: readonly number[],
  blockTokens: number,
  capacityTokens?: number,
): PrefixModel {
  const caches = capacities.map(
    (tokens) => new SentBlocks(Math.floor((capacityTokens ?? tokens) / blockTokens)),
  );
  const cacheOf = (engine: number): SentBlocks => {
    const cache = caches[engine];
    if (cache === undefined) throw new RangeError(`there is no engine ${engine}`);
    return cache;
  };
  return {
    matchTokens: (engine, request) =>
      cacheOf(engine).match(request.blocks, matchable(request, blockTokens)) * blockTokens,
    insert: (engine, { blocks }) => cacheOf(engine).use(blocks),
    clear: (engine) => cacheOf(engine).clear(),
    heldTokens: (engine) => cacheOf(engine).size * blockTokens,
  };
}

/** Blocks of a prompt that may be found in a cache: an engine always computes the last token. */
export function matchable(
  request: Pick<ReplayRequest, "promptTokens" | "blocks">,
  blockTokens: number,
): number {
  return Math.min(request.blocks.length, Math.floor((request.promptTokens - 1) / blockTokens));
}
