import type { PullLink } from "../../core/grant/pull.ts";
import type { PolicySetup } from "../policy.ts";

const MANY_TOKENS = 100_000;

/** What pulling between the engines of each pool takes, as its link tells; pools without one cannot. */
export function pullCosts({ fleet }: PolicySetup): ReadonlyMap<string, readonly PullLink[]> {
  const costs = new Map<string, readonly PullLink[]>();
  for (const { pool, engine } of fleet.engines) {
    const other = fleet.engines.find((one) => one.pool === pool && one.engine !== engine);
    if (costs.has(pool) || other === undefined) continue;
    const fixedMs = fleet.pullMs(engine, other.engine, 0);
    const msPerToken = (fleet.pullMs(engine, other.engine, MANY_TOKENS) - fixedMs) / MANY_TOKENS;
    if (fixedMs < Infinity) costs.set(pool, [{ from: pool, cost: { fixedMs, msPerToken } }]);
  }
  return costs;
}
