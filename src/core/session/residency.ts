import { maxHoldings, type Holding } from "./state.ts";

/** Holdings as far as they reach into the first `links` links, tokens scaled down with them. */
export function cutHoldings(holdings: readonly Holding[], links: number): Holding[] {
  const cut: Holding[] = [];
  for (const holding of holdings) {
    const kept = Math.min(holding.links, links);
    if (kept <= 0) continue;
    const tokens =
      kept === holding.links ? holding.tokens : Math.floor((holding.tokens * kept) / holding.links);
    cut.push({ ...holding, links: kept, tokens });
  }
  return cut;
}

/** One holding per engine: the newer belief, whichever list it comes from. */
export function mergeHoldings(one: readonly Holding[], other: readonly Holding[]): Holding[] {
  const byEngine = new Map<string, Holding>();
  for (const holding of [...one, ...other]) {
    const known = byEngine.get(holding.engine);
    if (!known || isNewer(holding, known)) byEngine.set(holding.engine, holding);
  }
  return bestFirst([...byEngine.values()]);
}

/** One holding per engine: the longest, and of equally long ones the newest. */
export function longestHoldings(holdings: readonly Holding[]): Holding[] {
  const byEngine = new Map<string, Holding>();
  for (const holding of holdings) {
    const best = byEngine.get(holding.engine);
    if (!best || compareLength(holding, best) < 0) byEngine.set(holding.engine, holding);
  }
  return bestFirst([...byEngine.values()]);
}

function compareLength(one: Holding, other: Holding): number {
  return other.links - one.links || other.at - one.at || compare(one, other);
}

/** The best `maxHoldings`, longest first. */
export function bestFirst(holdings: readonly Holding[]): Holding[] {
  return holdings.toSorted(compare).slice(0, maxHoldings);
}

function isNewer(one: Holding, other: Holding): boolean {
  if (one.at !== other.at) return one.at > other.at;
  if (one.known !== other.known) return one.known === "reported";
  return one.links > other.links;
}

function compare(one: Holding, other: Holding): number {
  return (
    other.links - one.links ||
    Number(other.known === "reported") - Number(one.known === "reported") ||
    other.at - one.at ||
    (one.engine < other.engine ? -1 : 1)
  );
}
