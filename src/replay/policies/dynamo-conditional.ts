import type { PolicyEntry } from "../policy.ts";
import { splitRouter } from "./split-router.ts";

/**
 * NVIDIA Dynamo's conditional disaggregation (`router-disaggregated-serving.md`, policy `isl_bounding`): a request is
 * not split when its uncached prompt is short, and short against the whole of it.
 */
export function dynamoConditional(params: DynamoConditionalParams = {}): PolicyEntry {
  const { mostTokens = 2048, mostShare = 0.7 } = params;
  return {
    name: "dynamo-conditional",
    instances: "edge",
    create: (setup) =>
      splitRouter(setup, ({ promptTokens }, cachedTokens) => {
        const uncached = promptTokens - cachedTokens;
        return uncached >= mostTokens || uncached / promptTokens >= mostShare;
      }),
  };
}

export type DynamoConditionalParams = {
  /** Uncached tokens, and their share of the prompt, below which a request is not split. */
  readonly mostTokens?: number;
  readonly mostShare?: number;
};
