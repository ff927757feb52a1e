import type { PolicyEntry } from "../policy.ts";
import { dynamoConditional } from "./dynamo-conditional.ts";
import { dynamoKv } from "./dynamo-kv.ts";
import { leastRequests } from "./least-requests.ts";
import { llmDDefault } from "./llm-d-default.ts";
import { longestPrefix } from "./longest-prefix.ts";
import { mooncakeGlobal } from "./mooncake-global.ts";
import { mooncakeLocal } from "./mooncake-local.ts";
import { nearestExact } from "./nearest-exact.ts";
import { powerOfTwo } from "./power-of-two.ts";
import { sglangCacheAware } from "./sglang-cache-aware.ts";
import { splitAbove } from "./split-above.ts";
import { stickyHash } from "./sticky-hash.ts";

/**
 * Baselines with other parameters than the published ones, by the baseline's name: a comparison takes the best of them
 * in each cell. Each is named for what differs, as `mooncake-local nearTie=0.05`.
 */
export const sweeps: ReadonlyMap<string, readonly PolicyEntry[]> = new Map([
  swept(leastRequests, [{ countsUnseen: false }]),
  swept(powerOfTwo, [{ choices: 3 }, { choices: 4 }]),
  swept(stickyHash, [{ by: "prefix" }, { skipTokens: 1024 }]),
  swept(longestPrefix, [{ knows: "view" }]),
  swept(sglangCacheAware, [
    { cacheThreshold: 0.5, balanceAbs: 32, balanceRel: 1.1 },
    { cacheThreshold: 0.5, balanceAbs: 3, balanceRel: 1 },
    { cacheThreshold: 0.3, balanceAbs: 8, balanceRel: 1.1 },
    { cacheThreshold: 0.1, balanceAbs: 16, balanceRel: 1.5 },
  ]),
  swept(dynamoKv, [
    { prefillLoadScale: 2 },
    { prefillLoadScale: 4 },
    { overlapCreditDecay: 1 },
    { activeRequestWeight: 10 },
    { temperature: 0.05 },
    { formula: "lmetric" },
    { predictsOnRoute: true },
    { predictsOnRoute: true, prefillLoadScale: 2 },
    { predictsOnRoute: true, batchTokens: 8192, queueThreshold: 1 },
    { batchTokens: 8192, queueThreshold: 1 },
    { batchTokens: 8192, queueThreshold: 4, queuePolicy: "fcfs" },
    { queueThreshold: Infinity },
  ]),
  swept(llmDDefault, [
    { flowControl: false },
    { countsUnseen: true },
    { countsUnseen: true, flowControl: false },
    { countsUnseen: true, flowControl: false, prefix: "precise" },
    { countsUnseen: true, flowControl: false, prefix: "precise", prefixWeight: 1 },
    { countsUnseen: true, flowControl: false, lruTokens: 3_000_000, prefixTokens: 131_072 },
    { countsUnseen: true, prefix: "precise", queueDepth: 2 },
  ]),
  swept(mooncakeLocal, [{ nearTie: 0.05 }, { nearTie: 0.2 }, { predicts: false }]),
  swept(mooncakeGlobal, [
    { nearTie: 0.05 },
    { nearTie: 0.2 },
    { balancingThreshold: 2 },
    { pullsOnlyWhenCheaper: false },
  ]),
  swept(nearestExact, [{ overflowQueueMs: 250 }, { overflowQueueMs: 4000 }]),
]);

/** The same for the fixed rules of disaggregation. */
export const splitSweeps: ReadonlyMap<string, readonly PolicyEntry[]> = new Map([
  swept(splitAbove, [{ uncachedTokens: 8 }, { uncachedTokens: 2048 }, { uncachedTokens: 8192 }]),
  swept(dynamoConditional, [
    { mostTokens: 1024, mostShare: 0.5 },
    { mostTokens: 4096, mostShare: 0.9 },
  ]),
]);

function swept<Params extends object>(
  make: (params?: Params) => PolicyEntry,
  all: readonly Params[],
): [string, readonly PolicyEntry[]] {
  const { name } = make();
  const variants = all.map((params) => {
    const said = Object.entries(params).map(([key, value]) => `${key}=${String(value)}`);
    return { ...make(params), name: `${name} ${said.join(" ")}` };
  });
  return [name, variants];
}
