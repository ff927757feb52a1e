import { together } from "./cost.ts";
import { keepDiscount } from "./discount.ts";
import { eligiblePools } from "./filters.ts";
import { type Leg, legsOf } from "./legs.ts";
import { order } from "./order.ts";
import { pairs } from "./pairs.ts";
import type { Placement, Plan } from "./placement.ts";
import type { PlanInput } from "./plan-input.ts";
import { type Scope, refuse, scopeOf } from "./scope.ts";

export type { PhaseCapabilities, PlanInput } from "./plan-input.ts";

const EXPLORE_RATE = 0.01;
/** Engines of one pool that a plan costs in full; the region chooses among all of them anyway. */
const ENGINES_PER_POOL = 4;

/** Filters, costs and orders the placements of one request: where it is prefilled, where decoded. */
export function plan(input: PlanInput): Plan {
  const scope = scopeOf(input);
  if (scope === undefined) {
    return { placements: [], candidates: [], refusals: { model: input.fleet.pools.size } };
  }
  const pools = eligiblePools(scope).flatMap((pool) => {
    const speed = input.speeds.get(pool.id);
    const legs = speed ? legsOf(scope, pool, speed) : [];
    return legs.length > 0 ? [legs] : [];
  });
  for (const legs of pools) {
    for (const leg of legs) {
      scope.bestHeld = Math.max(scope.bestHeld, leg.heldTokens);
      keepDiscount(scope, leg);
    }
  }
  const placements = pools.flatMap((legs) => togethers(scope, legs));
  placements.push(...pairs(scope, pools));
  const exploreRate = input.exploreRate ?? EXPLORE_RATE;
  const ordered = order(placements, input.random, exploreRate, input.explain);
  return { ...ordered, refusals: scope.refusals };
}

function togethers(scope: Scope, legs: readonly Leg[]): Placement[] {
  const first = legs[0];
  if (first === undefined || !servesAlone(scope, first)) {
    refuse(scope, "role");
    return [];
  }
  const best =
    legs.length <= ENGINES_PER_POOL
      ? legs
      : legs.toSorted((a, b) => costMs(a) - costMs(b)).slice(0, ENGINES_PER_POOL);
  return best.map((leg) => together(scope, leg));
}

function servesAlone({ model }: Scope, leg: Leg): boolean {
  return model.kind === "embedding" ? leg.pool.roles.includes("prefill") : doesBoth(leg);
}

/** A decode pool whose dialect can prefill there may take small suffixes itself: conditional disaggregation. */
export function doesBoth({ pool, capabilities }: Pick<Leg, "pool" | "capabilities">): boolean {
  if (!pool.roles.includes("decode")) return false;
  return pool.roles.includes("prefill") || capabilities.prefillsAtDecode;
}

function costMs(leg: Leg): number {
  return leg.prefillCostMs + leg.decodeCostMs + leg.displacedMs + leg.overworkMs;
}
