import { bothPhases } from "../both-phases.ts";
import type { Dialect } from "../dialect.ts";
import { splitsPlainRequests } from "../splits.ts";

/** One engine or hosted API that does both phases behind the OpenAI API. */
export const openai: Dialect = {
  name: "openai",
  handsOff: false,
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
    headers: {
      "x-request-id": leg.requestId,
      ...(leg.session !== undefined && { "x-session-affinity": leg.session }),
    },
  }),
  tookHandoff: () => undefined,
  readPrefill: () => ({ handoff: undefined, usage: undefined }),
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};
