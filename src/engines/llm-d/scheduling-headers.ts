import type { LegContext } from "../dialect.ts";

/**
 * What llm-d's own scheduler orders requests by: an objective (`batch`, `interactive` or `priority`, to be defined as an
 * InferenceObjective of that name), the tenant for fairness, and the latencies that were promised.
 */
export function schedulingHeaders({ hints, slo }: LegContext): Record<string, string> {
  return {
    ...(hints && bothNames("inference-objective", "x-gateway-", OBJECTIVES[hints.priority])),
    ...(hints?.tenant && bothNames("inference-fairness-id", "x-gateway-", hints.tenant)),
    ...(slo && bothNames("slo-ttft-ms", "x-", String(slo.ttftMs))),
    ...(slo && bothNames("slo-tpot-ms", "x-", String(slo.tpotMs))),
  };
}

const OBJECTIVES = ["batch", "interactive", "priority"] as const;

/** The headers were renamed: older versions know the former prefix, newer ones `x-llm-d-`. */
function bothNames(name: string, former: string, value: string): Record<string, string> {
  return { [former + name]: value, [`x-llm-d-${name}`]: value };
}
