import { type Figures, overSeeds } from "../figures.ts";
import { type Cell, type Situation, situationName } from "./cells.ts";

/** A finished cell, as a campaign's file has it: one JSON object per line. */
export type CellResult = { readonly cell: Cell; readonly figures: Figures };

/** What one policy came to in one situation, over its seeds. */
export type PolicyMeans = {
  readonly policy: string;
  readonly sight: Cell["sight"];
  readonly seeds: number;
  readonly means: Figures;
};

/** Ours, under the edges' stale sight, and what it is worth without one of its parts. */
export const OURS = "phaseway";
export const FIRST_COME = "phaseway-no-order";
export const ABLATIONS = [FIRST_COME, "phaseway-no-pull", "phaseway-no-reserve"] as const;

/** All that is known of one situation. */
export class SituationResults {
  readonly situation: Situation;
  readonly #policies: readonly PolicyMeans[];

  constructor(situation: Situation, results: readonly CellResult[]) {
    this.situation = situation;
    const runs = Map.groupBy(results, ({ cell }) => `${cell.sight} ${cell.policy}`);
    this.#policies = [...runs.values()].flatMap((those) => {
      const [first] = those;
      if (first === undefined) return [];
      const { policy, sight } = first.cell;
      const { means } = overSeeds(those.map(({ figures }) => figures));
      return [{ policy, sight, seeds: those.length, means }];
    });
  }

  /** Means of ours, or of ours without a part. */
  ours(policy: string = OURS): Figures | undefined {
    return this.#policies.find((one) => one.policy === policy && one.sight === "stale")?.means;
  }

  /** Everybody else's, least regret first; `parameters` are among their names where they are not the published ones. */
  baselines(sight: Cell["sight"]): PolicyMeans[] {
    return this.#policies
      .filter((one) => one.sight === sight && !one.policy.startsWith(OURS))
      .toSorted((a, b) => regretOf(a.means) - regretOf(b.means));
  }

  /** The least regret among those that ran with the most seeds: the others were clearly beaten before. */
  best(sight: Cell["sight"]): PolicyMeans | undefined {
    const all = this.baselines(sight);
    const seeds = Math.max(0, ...all.map((one) => one.seeds));
    return all.find((one) => one.seeds === seeds);
  }
}

/** Results by situation, in the order in which they are first met. */
export function bySituation(results: readonly CellResult[]): SituationResults[] {
  const situations = Map.groupBy(results, ({ cell }) => situationName(cell));
  return [...situations.values()].flatMap((those) => {
    const [first] = those;
    if (first === undefined) return [];
    const { trace, calibration, arrivals, load } = first.cell;
    return [new SituationResults({ trace, calibration, arrivals, load }, those)];
  });
}

/** Mean TTFT less the bound, ms. */
export function regretOf(figures: Figures): number {
  return figures["regret_ms"] ?? NaN;
}
