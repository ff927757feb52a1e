import { continuesPlainText } from "./continues.ts";
import type { Dialect } from "./dialect.ts";
import { splitsPlainRequests } from "./splits.ts";

/** What a dialect is that is sent whole requests only: its endpoints do both phases, or part them among their own. */
export const wholeRequests = {
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "handoff",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "none",
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "none" },
  },
  continues: false,
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  readPrefill: () => ({ handoff: undefined, usage: undefined }),
  tookHandoff: () => undefined,
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
} as const satisfies Partial<Dialect>;
