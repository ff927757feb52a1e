import type { Pool } from "../fleet.ts";
import type { PlanInput } from "./plan-input.ts";
import { type Scope, refuse } from "./scope.ts";

/** Regions no further than this beyond the nearest one count as being at the edge, ms. */
const EDGE_SLACK_MS = 10;
/** Token counts are estimates: only a prompt this many times over the window is refused before an engine has counted it. */
const OVERFLOW = 1.5;

/** Pools that may serve the request at all; every other that runs a phase is counted under the filter that refused it. */
export function eligiblePools(scope: Scope): Pool[] {
  const allows = placeFilter(scope.input);
  const pools: Pool[] = [];
  for (const pool of scope.input.fleet.pools.values()) {
    if (pool.roles.includes("encode")) continue;
    const filter = refusedBy(scope, pool, allows);
    if (filter === undefined) pools.push(pool);
    else refuse(scope, filter);
  }
  return pools;
}

function refusedBy(
  scope: Scope,
  pool: Pool,
  allows: (region: string) => boolean,
): string | undefined {
  if (pool.model !== scope.model.id) return "model";
  const { input } = scope;
  const { longestTokens = scope.promptTokens } = input.ask;
  if (input.ask.isPlain && input.capabilities(pool.dialect).isChatOnly) return "chat-only";
  if (longestTokens > OVERFLOW * scope.model.contextWindow) return "context-window";
  if (!allows(pool.region)) return "place";
  if (scope.rules.some((rule) => rule.only && !rule.only.includes(pool.id))) return "rule-only";
  const speed = input.speeds.get(pool.id);
  if (speed === undefined) return "model";
  if (pool.engines.length === 0) return "draining";
  // A hosted fleet's memory is its own affair.
  if (pool.routed === "us" && speed.kvTokens < longestTokens + 1) return "kv-capacity";
  return undefined;
}

function placeFilter({ labels, fleet, rttMs }: PlanInput): (region: string) => boolean {
  const { place } = labels;
  if (place === "anywhere") return () => true;
  if (place.startsWith("edge-bound:")) {
    const site = place.slice("edge-bound:".length);
    return (region) => region === site;
  }
  if (place === "edge-bound") {
    let nearestMs = Infinity;
    for (const region of fleet.regions.keys()) nearestMs = Math.min(nearestMs, rttMs(region));
    return (region) => rttMs(region) <= nearestMs + EDGE_SLACK_MS;
  }
  return (region) => fleet.regions.get(region)?.jurisdiction === place;
}
