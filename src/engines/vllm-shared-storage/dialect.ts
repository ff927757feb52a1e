import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import type { Dialect, Edits, LegContext } from "../dialect.ts";
import { NOT_FOR_PREFILL, onlyPrefill } from "../only-prefill.ts";
import { usageOf } from "../read-answer.ts";
import { splitsPlainRequests } from "../splits.ts";

/** vLLM engines that share a store: decode declines below a share of cached prompt, and prefill fills the store. */
export const vllmSharedStorage: Dialect = {
  name: "vllm-shared-storage",
  handsOff: true,
  sharesStore: true,
  takesCacheSalt: true,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "decode-first",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "store",
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  write: (leg) => ({ edits: editsOf(leg), headers: { "x-request-id": leg.requestId } }),
  readPrefill: (body) => ({ handoff: undefined, usage: usageOf(body) }),
  // Whatever its block size, it lacks only the end of what prefill wrote.
  tookHandoff: ({ promptTokens, cachedTokens }) =>
    cachedTokens === undefined ? undefined : cachedTokens > promptTokens / 2,
  declines,
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};

/** The threshold is always set: an engine may have one of its own for requests that name none. */
function editsOf(leg: LegContext): Edits {
  const cache_hit_threshold = String(leg.cacheThreshold ?? 0);
  if (leg.leg === "prefill") {
    return { set: { ...onlyPrefill(leg), cache_hit_threshold }, remove: NOT_FOR_PREFILL };
  }
  return { set: { ...bothPhases(leg).set, cache_hit_threshold }, remove: [] };
}

function declines(json: string): boolean {
  return /"finish_reason"\s*:\s*"cache_threshold"/.test(json);
}
