import { vllmMetrics } from "../metrics/vllm.ts";
import { usageOf } from "../shapes.ts";
import type { EmulatedDialect } from "./dialect.ts";

/** An engine that does both phases and reports its prefix cache's hits. */
export const openai: EmulatedDialect = (side) => ({
  take: () => ({
    leg: "both",
    usage: (run) => {
      const isTold = side.settings().usageDetails !== false;
      return usageOf(run, isTold ? run.cachedTokens : 0);
    },
  }),
  routes: { "GET /metrics": () => vllmMetrics(side) },
});
