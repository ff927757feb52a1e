import type { Random } from "../random.ts";
import type { Candidate, Placement, Plan } from "./placement.ts";

const NEAR_TIE = 1.02;
const EXPLORE_WITHIN = 1.1;
const MAX_PLACEMENTS = 8;
const MAX_CANDIDATES = 9;

/** Placements cheapest first; near-ties in random order, and now and then a random one among the near-equal. */
export function order(
  placements: Placement[],
  random: Random,
  exploreRate: number,
  explain: "full" | undefined,
): Omit<Plan, "refusals"> {
  placements.sort((a, b) => a.terms.score - b.terms.score);
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
