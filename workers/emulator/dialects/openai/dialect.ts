import { withOrca } from "../../metrics/orca.ts";
import { vllmMetrics } from "../../metrics/vllm.ts";
import { usageOf } from "../../shapes.ts";
import type { EmulatedDialect } from "../dialect.ts";
import { hosted } from "./hosted.ts";

/** A hosted API where the pool routes itself, else an engine that does both phases and reports its cache's hits. */
export const openai: EmulatedDialect = (side) =>
  side.config.pool.routed === "itself" ? hosted(side) : own(side);

/** An engine of ours is vLLM's like. */
const own = withOrca((side) => ({
  take: () => ({
    leg: "both",
    usage: (run) => {
      const isTold = side.settings().usageDetails !== false;
      return usageOf(run, isTold ? run.cachedTokens : 0);
    },
  }),
  routes: { "GET /metrics": () => vllmMetrics(side) },
}));
