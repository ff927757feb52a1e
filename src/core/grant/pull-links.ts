import type { Fleet, Link } from "../fleet.ts";
import { transferMs } from "../speed.ts";
import type { PullLink } from "./pull.ts";

/**
 * Pool id → where its engines may pull cached prefixes from: pools with a link to it, itself where it has a link to
 * itself. `pulls` tells whether engines of a dialect can.
 */
export function pullLinksOf(
  fleet: Fleet,
  pulls: (dialect: string) => boolean,
): ReadonlyMap<string, readonly PullLink[]> {
  const links = new Map<string, PullLink[]>();
  for (const link of fleet.links) {
    const from = fleet.pools.get(link.from);
    const to = fleet.pools.get(link.to);
    if (from === undefined || to === undefined || !pulls(to.dialect)) continue;
    if (from.dialect !== to.dialect || from.kvLayout !== to.kvLayout) continue;
    if (from.model !== to.model || !to.roles.includes("prefill")) continue;
    // Behind a URL that chooses itself nobody knows which engine holds what.
    if (from.routed !== "us" || to.routed !== "us") continue;
    const cost = costOf(link, fleet.models.get(to.model)?.kvBytesPerToken ?? 0);
    const others = links.get(to.id) ?? [];
    const same = others.find((other) => other.from === from.id);
    if (same && same.cost.msPerToken <= cost.msPerToken) continue;
    links.set(to.id, [...others.filter((other) => other !== same), { from: from.id, cost }]);
  }
  return links;
}

/** An engine that is asked for a prefix sends all that it has of it. */
function costOf(link: Link, kvBytesPerToken: number): PullLink["cost"] {
  const fixedMs = transferMs(link, 0);
  return { fixedMs, msPerToken: transferMs(link, kvBytesPerToken) - fixedMs, movesAll: true };
}
