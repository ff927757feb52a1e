import type { Random } from "../random.ts";
import type { Candidate, Placement, Plan } from "./placement.ts";

const NEAR_TIE = 1.02;
const EXPLORE_WITHIN = 1.1;
const MAX_PLACEMENTS = 8;
const MAX_CANDIDATES = 9;
/** Enough for every fallback: one decode engine stands in few placements, alone or with the best few prefill engines. */
const LOOKED_AT = 48;

/** Placements cheapest first; near-ties in random order, and now and then a random one among the near-equal. */
export function order(
  all: readonly Placement[],
  random: Random,
  exploreRate: number,
  explain: "full" | undefined,
): Omit<Plan, "refusals"> {
  const placements = cheapestFirst(all, explain);
  const best = placements[0];
  if (best === undefined) return { placements: [], candidates: [] };
  const ordered = [...placements];
  const ties = countWithin(placements, best.terms.score * NEAR_TIE);
  shuffle(ordered, ties, random);
  const near = countWithin(placements, best.terms.score * EXPLORE_WITHIN);
  const explores = near > 1 && random() < exploreRate;
  if (!explores)
    return {
      placements: fallbacks(ordered),
      candidates: explained(placements, ordered[0], explain),
    };
  const [picked] = ordered.splice(Math.floor(random() * near), 1);
  if (picked) ordered.unshift(picked);
  const tied = picked !== undefined && picked.terms.score <= best.terms.score * NEAR_TIE;
  const propensity = exploreRate / near + (tied ? (1 - exploreRate) / ties : 0);
  return {
    placements: fallbacks(ordered),
    candidates: explained(placements, ordered[0], explain),
    explored: { propensity },
  };
}

/** All that anyone looks at, in order: hundreds of placements are not worth sorting. */
function cheapestFirst(all: readonly Placement[], explain: "full" | undefined): Placement[] {
  const byScore = (a: Placement, b: Placement) => a.terms.score - b.terms.score;
  if (explain === "full" || all.length <= LOOKED_AT) return all.toSorted(byScore);
  const scores = new Float64Array(all.length);
  for (let i = 0; i < all.length; i++) scores[i] = all[i]?.terms.score ?? Infinity;
  scores.sort();
  const limit = Math.max((scores[0] ?? 0) * EXPLORE_WITHIN, scores[LOOKED_AT - 1] ?? 0);
  return all.filter(({ terms }) => terms.score <= limit).toSorted(byScore);
}

function countWithin(sorted: readonly Placement[], limit: number): number {
  let count = 0;
  while (count < sorted.length && (sorted[count]?.terms.score ?? Infinity) <= limit) count++;
  return count;
}

/** Shuffles the first `count` in place. */
function shuffle(placements: Placement[], count: number, random: Random): void {
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [placements[i], placements[j]];
    if (a === undefined || b === undefined) continue;
    placements[i] = b;
    placements[j] = a;
  }
}

/** A fallback on the engine that has just failed is none, so each decode engine appears once. */
function fallbacks(ordered: readonly Placement[]): Placement[] {
  const seen = new Set<string>();
  const kept: Placement[] = [];
  for (const placement of ordered) {
    if (seen.has(placement.decode.engine)) continue;
    seen.add(placement.decode.engine);
    kept.push(placement);
    if (kept.length === MAX_PLACEMENTS) break;
  }
  return kept;
}

function explained(
  sorted: readonly Placement[],
  chosen: Placement | undefined,
  explain: "full" | undefined,
): Candidate[] {
  const shown = explain === "full" ? [...sorted] : sorted.slice(0, MAX_CANDIDATES);
  if (chosen && !shown.includes(chosen)) shown[shown.length - 1] = chosen;
  return shown.map((placement) => ({
    mode: placement.mode,
    ...(placement.prefill && { prefill: placement.prefill.engine }),
    decode: placement.decode.engine,
    terms: placement.terms,
    chosen: placement === chosen,
  }));
}
