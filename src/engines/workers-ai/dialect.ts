import { bothPhases } from "../both-phases.ts";
import type { Dialect } from "../dialect.ts";
import { splitsPlainRequests } from "../splits.ts";

/**
 * Cloudflare's Workers AI, which the edge worker calls by a binding in place of HTTP: `inputsOf` and `asOpenAi` beside
 * this are that binding's face of an engine with OpenAI's API.
 */
export const workersAi: Dialect = {
  name: "workers-ai",
  handsOff: false,
  scheme: "workers-ai",
  takesCacheSalt: false,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "handoff",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "none" },
  },
  splits: splitsPlainRequests,
  write: (leg) => ({
    edits: bothPhases(leg),
    // Prefixes are cached where requests of one session go.
    headers: leg.session === undefined ? {} : { "x-session-affinity": leg.session },
  }),
  tookHandoff: () => undefined,
  readPrefill: () => ({ handoff: undefined, usage: undefined }),
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};
