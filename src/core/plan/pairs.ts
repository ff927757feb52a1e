import type { Link } from "../fleet.ts";
import { transferMs } from "../speed.ts";
import { disaggregated, leavingMs } from "./cost.ts";
import type { Leg } from "./legs.ts";
import { linksFrom } from "./linked.ts";
import type { Placement } from "./placement.ts";
import { type Scope, refuse } from "./scope.ts";

const BEST_PREFILLS = 4;
const BEST_DECODES = 6;

/** Usable engines of one pool. */
export type PoolLegs = readonly Leg[];

/** Disaggregated placements: the best few prefill legs, each with the best few decode legs it is linked to. */
export function pairs(scope: Scope, pools: readonly PoolLegs[]): Placement[] {
  const prefills = pools.filter((legs) => plays(legs, "prefill"));
  const decodes = pools.filter((legs) => plays(legs, "decode"));
  if (!scope.input.ask.splittable) {
    const count = prefills.length * decodes.length;
    if (count > 0) refuse(scope, "not-splittable", count);
    return [];
  }
  const decodesById = new Map(decodes.map((legs) => [legs[0]?.pool.id ?? "", legs]));
  const sources = prefills.flatMap((legs) => {
    const source = legs[0]?.pool.id ?? "";
    const targets = linked(scope, source, decodesById, linksFrom(scope.input.fleet, source));
    return targets.length > 0 ? [{ leg: cheapestPrefill(legs), targets }] : [];
  });
  sources.sort((a, b) => startMs(a.leg) - startMs(b.leg));
  return sources.slice(0, BEST_PREFILLS).flatMap(({ leg, targets }) =>
    targets
      .map(({ legs, link }) => cheapestDecode(scope, legs, link))
      .toSorted((a, b) => a.costMs - b.costMs)
      .slice(0, BEST_DECODES)
      .map(({ leg: decode, link }) => disaggregated(scope, leg, decode, link)),
  );
}

type Target = { readonly legs: PoolLegs; readonly link: Link };

function linked(
  scope: Scope,
  source: string,
  decodes: ReadonlyMap<string, PoolLegs>,
  links: readonly Link[],
): Target[] {
  const targets: Target[] = [];
  for (const link of links) {
    const legs = decodes.get(link.to);
    if (legs !== undefined) targets.push({ legs, link });
  }
  const others = decodes.size - (decodes.has(source) ? 1 : 0);
  if (others > targets.length) refuse(scope, "no-link", others - targets.length);
  return targets;
}

function plays(legs: PoolLegs, role: "prefill" | "decode"): boolean {
  const first = legs[0];
  return (
    first !== undefined &&
    first.pool.routed === "us" &&
    first.pool.roles.includes(role) &&
    first.capabilities.roles.includes(role)
  );
}

function startMs(leg: Leg): number {
  return leg.reachMs + leg.prefillCostMs + leg.displacedMs + leg.overworkMs;
}

function cheapestPrefill(legs: PoolLegs): Leg {
  return legs.reduce((best, leg) => (startMs(leg) < startMs(best) ? leg : best));
}

function cheapestDecode(scope: Scope, legs: PoolLegs, link: Link) {
  let best: { leg: Leg; link: Link; costMs: number } | undefined;
  for (const leg of legs) {
    const bytes = (scope.promptTokens - leg.heldTokens) * scope.model.kvBytesPerToken;
    const waitMs = leg.reachMs + leg.queueMs + leg.displacedMs + leg.overworkMs;
    const costMs = waitMs + leg.decodeCostMs + transferMs(link, bytes) + leavingMs(scope, leg);
    if (best === undefined || costMs < best.costMs) best = { leg, link, costMs };
  }
  if (best === undefined) throw new TypeError("a pool without usable engines has no decode leg");
  return best;
}
