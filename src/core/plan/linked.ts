import type { Fleet, Link } from "../fleet.ts";
import { linkBetween } from "./scope.ts";

/** Links that leave a pool for others: to each the fastest that their KV cache can cross. */
export function linksFrom(fleet: Fleet, poolId: string): readonly Link[] {
  return linksBySource(fleet).get(poolId) ?? [];
}

/** The same of those that lead into a pool. */
export function linksInto(fleet: Fleet, poolId: string): readonly Link[] {
  return [...linksBySource(fleet).values()].flat().filter(({ to }) => to === poolId);
}

function linksBySource(fleet: Fleet): ReadonlyMap<string, readonly Link[]> {
  const known = usable.get(fleet);
  if (known !== undefined) return known;
  const bySource = new Map<string, Link[]>();
  for (const link of fleet.links) {
    const from = fleet.pools.get(link.from);
    const to = fleet.pools.get(link.to);
    if (from === undefined || to === undefined || from === to) continue;
    if (from.kvLayout === undefined || from.kvLayout !== to.kvLayout) continue;
    if (from.dialect !== to.dialect) continue;
    const others = bySource.get(from.id)?.filter((other) => other.to !== to.id) ?? [];
    const fastest = linkBetween(fleet.links, from.id, to.id) ?? link;
    bySource.set(from.id, [...others, fastest]);
  }
  usable.set(fleet, bySource);
  return bySource;
}

/** A fleet does not change; the next `mesh.json` is another one. */
const usable = new WeakMap<Fleet, ReadonlyMap<string, readonly Link[]>>();
