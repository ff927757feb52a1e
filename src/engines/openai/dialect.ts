import { bothPhases } from "../both-phases.ts";
import type { Dialect } from "../dialect.ts";
import { splitsPlainRequests } from "../splits.ts";

/** One engine or hosted API that does both phases behind the OpenAI API. */
export const openai: Dialect = {
  name: "openai",
  takesCacheSalt: false,
  capabilities: {
    roles: ["prefill", "decode"],
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "none" },
  },
  splits: splitsPlainRequests,
  edits: (_leg, context) => bothPhases(context),
  headers: (_leg, requestId) => ({ "x-request-id": requestId }),
  tookHandoff: () => undefined,
  readPrefill: () => ({ handoff: undefined, usage: undefined }),
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};
