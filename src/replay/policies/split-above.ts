import type { PolicyEntry } from "../policy.ts";
import { splitRouter } from "./split-router.ts";

/**
 * A request is split when at least so many of its prompt tokens are not cached where it decodes: llm-d's
 * `prefix-based-pd-decider` (`nonCachedTokens`, off by default; its documents use 512 and a sample 8).
 */
export function splitAbove({ uncachedTokens = 512 }: SplitAboveParams = {}): PolicyEntry {
  return {
    name: "split-above",
    instances: "edge",
    create: (setup) =>
      splitRouter(
        setup,
        ({ promptTokens }, cachedTokens) => promptTokens - cachedTokens >= uncachedTokens,
      ),
  };
}

export type SplitAboveParams = { readonly uncachedTokens?: number };
