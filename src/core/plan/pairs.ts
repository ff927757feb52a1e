import type { Link } from "../fleet.ts";
import { transferMs } from "../speed.ts";
import { disaggregated } from "./cost.ts";
import type { Leg } from "./legs.ts";
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
  const links = linksBySource(scope.input.fleet.links);
  const decodesById = new Map(decodes.map((legs) => [legs[0]?.pool.id ?? "", legs]));
  const sources = prefills.flatMap((legs) => {
    const targets = linked(scope, legs, decodesById, links.get(legs[0]?.pool.id ?? "") ?? []);
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
  from: PoolLegs,
  decodes: ReadonlyMap<string, PoolLegs>,
  links: readonly Link[],
): Target[] {
  const source = from[0]?.pool;
  if (source === undefined) return [];
  const targets = new Map<string, Target>();
  for (const link of links) {
    const legs = decodes.get(link.to);
    const target = legs?.[0]?.pool;
    if (legs === undefined || target === undefined || target === source) continue;
    const sameCache =
      source.kvLayout !== undefined &&
      source.kvLayout === target.kvLayout &&
      source.dialect === target.dialect;
    const known = targets.get(target.id);
    if (sameCache && (known === undefined || link.perFlowGbps > known.link.perFlowGbps)) {
      targets.set(target.id, { legs, link });
    }
  }
  const others = decodes.size - (decodes.has(source.id) ? 1 : 0);
  if (others > targets.size) refuse(scope, "no-link", others - targets.size);
  return [...targets.values()];
}

/** Links by the pool they leave. */
function linksBySource(links: readonly Link[]): ReadonlyMap<string, readonly Link[]> {
  const bySource = new Map<string, Link[]>();
  for (const link of links) {
    const others = bySource.get(link.from);
    if (others === undefined) bySource.set(link.from, [link]);
    else others.push(link);
  }
  return bySource;
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
  return leg.reachMs + leg.prefillCostMs + leg.displacedMs;
}

function cheapestPrefill(legs: PoolLegs): Leg {
  return legs.reduce((best, leg) => (startMs(leg) < startMs(best) ? leg : best));
}

function cheapestDecode(scope: Scope, legs: PoolLegs, link: Link) {
  let best: { leg: Leg; link: Link; costMs: number } | undefined;
  for (const leg of legs) {
    const bytes = (scope.promptTokens - leg.heldTokens) * scope.model.kvBytesPerToken;
    const waitMs = leg.reachMs + leg.queueMs + leg.displacedMs;
    const costMs = waitMs + leg.decodeCostMs + transferMs(link, bytes);
    if (best === undefined || costMs < best.costMs) best = { leg, link, costMs };
  }
  if (best === undefined) throw new TypeError("a pool without usable engines has no decode leg");
  return best;
}
