import type { Region } from "./fleet.ts";

/** The places a request may be bound to in a mesh of these regions, for people. */
export function placesOf(regions: ReadonlyMap<string, Pick<Region, "jurisdiction">>): string {
  const laws = new Set([...regions.values()].flatMap(({ jurisdiction }) => jurisdiction ?? []));
  const sites = `\`edge-bound:<region>\` with one of the regions ${quoted(regions.keys())}`;
  const plain = "`anywhere`, `edge-bound`";
  if (laws.size === 0) return `${plain} or ${sites}`;
  return `${plain}, ${sites}, or one of the jurisdictions ${quoted(laws)}`;
}

function quoted(names: Iterable<string>): string {
  return [...names].map((name) => `\`${name}\``).join(", ");
}
