import type { Figures } from "../figures.ts";
import type { Situation } from "./cells.ts";
import {
  ABLATIONS,
  bySituation,
  type CellResult,
  FIRST_COME,
  regretOf,
  type SituationResults,
} from "./results.ts";

/** What ours is held to, by the name that lost cells carry. */
export const CRITERIA = {
  stale: "regret at most half of the best stale baseline's",
  exact: "regret at most 1.1 of the best exact baseline's, or 60 ms more",
  slowdown: "p99 and maximum slowdown by prompt size at most 1.1 of first come first served",
  hits: "hit rate at least 95 % of one LRU cache as large as the fleet's",
  balance: "busy time max/mean under 1.3 where the fleet is 70 % busy",
  served: "no more left unserved than the baseline that served most",
} as const;

export type Criterion = keyof typeof CRITERIA;

/** One criterion in one situation: a number against its limit. */
export type Judged = {
  readonly value: number;
  readonly limit: number;
  readonly isMet: boolean;
  /** Where the value was the worst of several: which. */
  readonly of?: string;
};

export type Best = { readonly policy: string; readonly regretMs: number };

/** Ours in one situation, all means over seeds. */
export type Verdict = {
  readonly situation: Situation;
  readonly regretMs: number;
  readonly boundMs: number;
  readonly busyShare: number;
  readonly bestStale: Best | undefined;
  readonly bestExact: Best | undefined;
  /** Only what applies in this situation, and is known already. */
  readonly judged: ReadonlyMap<Criterion, Judged>;
  /** Ours without a part → its regret over ours. */
  readonly ablations: ReadonlyMap<string, number>;
};

const OF_STALE = 0.5;
const OF_EXACT = 1.1;
const SLACK_MS = 60;
const OF_FIRST_COME = 1.1;
const OF_POOLED = 0.95;
const BUSY = 0.7;
const BALANCED = 1.3;

/** Judges `phaseway`, situation by situation, in the order of the results. */
export function verdictsOf(results: readonly CellResult[]): Verdict[] {
  return bySituation(results).flatMap((those) => {
    const ours = those.ours();
    return ours === undefined ? [] : [verdictOf(those, ours)];
  });
}

/** Criteria that are judged here and not met. */
export function lostOf({ judged }: Verdict): Criterion[] {
  return [...judged].flatMap(([name, { isMet }]) => (isMet ? [] : [name]));
}

function verdictOf(those: SituationResults, ours: Figures): Verdict {
  const { situation } = those;
  const judged = new Map<Criterion, Judged>();
  const judge = (name: Criterion, one: Judged | undefined): void => {
    if (one !== undefined) judged.set(name, one);
  };
  judge("stale", againstStale(those, ours));
  judge("exact", againstExact(those, ours));
  // Over capacity the rest says how long the trace is.
  if (situation.load < 1) {
    judge("slowdown", slowdown(those, ours));
    judge("hits", hits(ours));
    judge("balance", balance(ours));
  }
  judge("served", served(those, ours));
  const best = (sight: "stale" | "exact"): Best | undefined => {
    const one = those.best(sight);
    return one && { policy: one.policy, regretMs: regretOf(one.means) };
  };
  return {
    situation,
    regretMs: regretOf(ours),
    boundMs: figure(ours, "bound_ttft_ms"),
    busyShare: figure(ours, "busy_share"),
    bestStale: best("stale"),
    bestExact: best("exact"),
    judged,
    ablations: ablationsOf(those, ours),
  };
}

function ablationsOf(those: SituationResults, ours: Figures): ReadonlyMap<string, number> {
  const ratios = new Map<string, number>();
  for (const name of ABLATIONS) {
    const without = those.ours(name);
    if (without === undefined) continue;
    // Less than a millisecond is none: there is nothing to compare.
    ratios.set(name, Math.max(1, regretOf(without)) / Math.max(1, regretOf(ours)));
  }
  return ratios;
}

/** Nothing is cached where a trace has no hashes: there all good routers do alike. */
function againstStale(those: SituationResults, ours: Figures): Judged | undefined {
  const best = those.best("stale");
  if (best === undefined || !hasHashes(ours)) return undefined;
  return atMost(regretOf(ours), OF_STALE * regretOf(best.means));
}

function againstExact(those: SituationResults, ours: Figures): Judged | undefined {
  const best = those.best("exact");
  if (best === undefined) return undefined;
  const regret = regretOf(best.means);
  const share = hasHashes(ours) ? OF_EXACT * regret : 0;
  return atMost(regretOf(ours), Math.max(share, regret + SLACK_MS));
}

/** The worst of eight ratios: p99 and maximum, in each quartile. */
function slowdown(those: SituationResults, ours: Figures): Judged | undefined {
  const firstCome = those.ours(FIRST_COME);
  if (firstCome === undefined) return undefined;
  const ratios = [1, 2, 3, 4].flatMap((quartile) =>
    ["p99", "max"].map((which) => {
      const name = `${which}_slowdown_q${quartile}`;
      return { of: `${which} q${quartile}`, value: figure(ours, name) / figure(firstCome, name) };
    }),
  );
  const worst = ratios.reduce((a, b) => (b.value > a.value ? b : a));
  return { ...atMost(worst.value, OF_FIRST_COME), of: worst.of };
}

function hits(ours: Figures): Judged | undefined {
  const pooled = figure(ours, "hit_pooled_lru");
  return pooled > 0 ? atLeast(figure(ours, "hit_rate") / pooled, OF_POOLED) : undefined;
}

function balance(ours: Figures): Judged | undefined {
  if (figure(ours, "busy_share") < BUSY) return undefined;
  const value = figure(ours, "load_max_over_mean");
  return { value, limit: BALANCED, isMet: value < BALANCED };
}

function served(those: SituationResults, ours: Figures): Judged {
  const others = [...those.baselines("stale"), ...those.baselines("exact")];
  const least = others.length === 0 ? 0 : Math.min(...others.map(({ means }) => unserved(means)));
  return atMost(unserved(ours), least);
}

/** Refused or failed, as a share of all. */
function unserved(figures: Figures): number {
  return 1 - figure(figures, "completed") / figure(figures, "requests");
}

function hasHashes(figures: Figures): boolean {
  return figures["hit_ceiling_by_block"] !== undefined;
}

function atMost(value: number, limit: number): Judged {
  return { value, limit, isMet: value <= limit };
}

function atLeast(value: number, limit: number): Judged {
  return { value, limit, isMet: value >= limit };
}

function figure(figures: Figures, name: string): number {
  return figures[name] ?? NaN;
}
