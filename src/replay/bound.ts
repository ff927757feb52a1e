import type { FleetSetup } from "./fleet-setup.ts";
import type { Workload } from "./workload.ts";

/**
 * TTFT of every request if nothing ever waited and one infinite cache were shared by all, ms: no router can do better
 * on these engines. Regret and slowdown are measured from it.
 */
export function boundTtftMs(
  workload: Workload,
  fleet: FleetSetup,
  cachedTokens: Int32Array,
  nearestRttMs: (request: number) => number,
): Float64Array {
  const speeds = new Set(
    fleet.engines.filter(({ roles }) => roles.includes("prefill")).map(({ speed }) => speed),
  );
  const bound = new Float64Array(workload.count);
  for (let i = 0; i < workload.count; i++) {
    let best = Infinity;
    for (const speed of speeds) {
      const ms = speed.prefillMs(workload.promptTokens[i] as number, cachedTokens[i] as number);
      best = Math.min(best, ms);
    }
    bound[i] = best + nearestRttMs(i);
  }
  return bound;
}
