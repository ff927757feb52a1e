import type { Random } from "../../core/random.ts";

/**
 * Cost of sending a request to one worker, in blocks: `worker_logit` of NVIDIA Dynamo
 * (`lib/kv-router/src/scheduling/selector.rs` @01690d42), for one cache tier and no shared cache.
 */
export function dynamoCost(load: DynamoLoad, params: DynamoWeights): number {
  const { activePrefillTokens, promptTokens, cachedTokens, blockTokens } = load;
  const rawBlocks = (activePrefillTokens + promptTokens) / blockTokens;
  const excessBlocks = (activePrefillTokens - load.leastActivePrefillTokens) / blockTokens;
  const requestBlocks = Math.ceil(promptTokens / blockTokens);
  const decay = 1 / (1 + params.overlapCreditDecay * (excessBlocks / requestBlocks));
  const credit = params.overlapScoreCredit * decay * (cachedTokens / blockTokens);
  const prefillBlocks = params.prefillLoadScale * Math.max(0, rawBlocks - credit);
  return params.formula === "lmetric"
    ? prefillBlocks * (load.decodeBlocks + 1)
    : prefillBlocks + load.decodeBlocks + params.activeRequestWeight * load.activeRequests;
}

/** Index of the lowest cost, any of several; above temperature 0 drawn by softmax over costs rescaled to their range. */
export function dynamoDraw(costs: readonly number[], temperature: number, random: Random): number {
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  const weights = costs.map((cost) => {
    if (least === most || cost === least) return 1;
    return temperature === 0 ? 0 : Math.exp((least - cost) / ((most - least) * temperature));
  });
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = weights.findIndex((weight) => (left -= weight) < 0);
  return drawn === -1 ? costs.indexOf(least) : drawn;
}

/** What the router knows of one worker and one request. */
export type DynamoLoad = {
  /** Prompt tokens sent there that are not prefilled yet. */
  readonly activePrefillTokens: number;
  readonly leastActivePrefillTokens: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Blocks of KV cache of all its live requests, waiting ones too, and of this one (`potential_decode_blocks`). */
  readonly decodeBlocks: number;
  readonly activeRequests: number;
  readonly blockTokens: number;
};

export type DynamoWeights = {
  readonly overlapScoreCredit: number;
  readonly overlapCreditDecay: number;
  readonly prefillLoadScale: number;
  readonly activeRequestWeight: number;
  readonly formula: "sum" | "lmetric";
};
