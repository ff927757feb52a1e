import { type Cell, cellName, type Situation, situationName } from "./cells.ts";
import { ABLATIONS, bySituation, type CellResult, OURS, regretOf } from "./results.ts";

/** What a campaign varies. */
export type CampaignAxes = {
  readonly traces: readonly {
    readonly path: string;
    readonly arrivals: readonly Situation["arrivals"][];
  }[];
  readonly calibrations: readonly string[];
  readonly loads: readonly number[];
  /** Ours and ours without a part among them run under stale sight only. */
  readonly policies: readonly string[];
  readonly sights: readonly Cell["sight"][];
  /** Baseline → names of the same with other parameters. */
  readonly variants: ReadonlyMap<string, readonly string[]>;
  readonly seeds: number;
};

export type Stage = { readonly name: string; readonly cells: readonly Cell[] };

/** Baselines beaten by this factor with seed 1 cannot become the best with others. */
const CLEARLY_BEATEN = 1.5;
const FURTHER_BASELINES = 3;
const SWEPT_AT = 0.8;
const FIRST_SEED = 1;

/**
 * The stages of a campaign, so far as its results tell: everything with seed 1, then parameters swept at one load, the
 * best of each baseline at the other loads, and last the further seeds of ours and of each situation's best baselines.
 * A later stage is complete once the stages before it are.
 */
export function stagesOf(axes: CampaignAxes, results: readonly CellResult[]): Stage[] {
  const situations = situationsOf(axes);
  return [
    { name: "all with seed 1", cells: published(axes, situations) },
    { name: "parameters swept", cells: swept(axes, situations) },
    { name: "best parameters", cells: bestOfSweeps(axes, situations, results) },
    { name: "further seeds", cells: furtherSeeds(axes, situations, results) },
  ];
}

/** The first stage that still has cells to run, with those; undefined at the end. */
export function nextStage(axes: CampaignAxes, results: readonly CellResult[]): Stage | undefined {
  const known = new Set(results.map(({ cell }) => cellName(cell)));
  return stagesOf(axes, results)
    .map(({ name, cells }) => ({ name, cells: cells.filter((cell) => !known.has(cellName(cell))) }))
    .find(({ cells }) => cells.length > 0);
}

/** Every situation, those that share a workload beside each other. */
function situationsOf({ traces, calibrations, loads }: CampaignAxes): Situation[] {
  return traces.flatMap(({ path, arrivals: kinds }) =>
    kinds.flatMap((arrivals) =>
      calibrations.flatMap((calibration) =>
        loads.map((load) => ({ trace: path, calibration, arrivals, load })),
      ),
    ),
  );
}

function published({ policies, sights }: CampaignAxes, situations: readonly Situation[]): Cell[] {
  return situations.flatMap((situation) =>
    policies.flatMap((policy) =>
      sightsOf(policy, sights).map((sight) => ({ ...situation, policy, sight, seed: FIRST_SEED })),
    ),
  );
}

function swept(axes: CampaignAxes, situations: readonly Situation[]): Cell[] {
  const variants = axes.policies.flatMap((policy) => axes.variants.get(policy) ?? []);
  return situations
    .filter(({ load }) => load === sweptAt(axes))
    .flatMap((situation) =>
      variants.flatMap((policy) =>
        axes.sights.map((sight) => ({ ...situation, policy, sight, seed: FIRST_SEED })),
      ),
    );
}

/** At other loads than the sweep's: the parameters that did best there. */
function bestOfSweeps(
  axes: CampaignAxes,
  situations: readonly Situation[],
  results: readonly CellResult[],
): Cell[] {
  const regrets = new Map(results.map(({ cell, figures }) => [cellName(cell), regretOf(figures)]));
  const load = sweptAt(axes);
  return situations.flatMap((situation) =>
    axes.policies.flatMap((policy) =>
      axes.sights.flatMap((sight) => {
        const tried = [policy, ...(axes.variants.get(policy) ?? [])].map((name) => {
          const cell = { ...situation, load, policy: name, sight, seed: FIRST_SEED };
          return { name, regret: regrets.get(cellName(cell)) ?? Infinity };
        });
        const best = tried.reduce((a, b) => (b.regret < a.regret ? b : a));
        return best.name === policy
          ? []
          : [{ ...situation, policy: best.name, sight, seed: FIRST_SEED }];
      }),
    ),
  );
}

function furtherSeeds(
  axes: CampaignAxes,
  situations: readonly Situation[],
  results: readonly CellResult[],
): Cell[] {
  const firsts = results.filter(({ cell }) => cell.seed === FIRST_SEED);
  const known = new Map(bySituation(firsts).map((one) => [situationName(one.situation), one]));
  const seeds = Array.from({ length: axes.seeds - FIRST_SEED }, (_, n) => FIRST_SEED + 1 + n);
  return situations.flatMap((situation) => {
    const runs: Pick<Cell, "policy" | "sight">[] = axes.policies
      .filter(isOurs)
      .map((policy) => ({ policy, sight: "stale" }));
    for (const sight of axes.sights) {
      const all = known.get(situationName(situation))?.baselines(sight) ?? [];
      const least = regretOf(all[0]?.means ?? {});
      const near = all.filter(
        ({ means }, at) => at === 0 || regretOf(means) <= CLEARLY_BEATEN * least,
      );
      runs.push(...near.slice(0, FURTHER_BASELINES).map(({ policy }) => ({ policy, sight })));
    }
    return runs.flatMap((run) => seeds.map((seed) => ({ ...situation, ...run, seed })));
  });
}

function sweptAt({ loads }: CampaignAxes): number {
  return loads.reduce((a, b) => (Math.abs(b - SWEPT_AT) < Math.abs(a - SWEPT_AT) ? b : a));
}

function sightsOf(policy: string, sights: readonly Cell["sight"][]): readonly Cell["sight"][] {
  return isOurs(policy) ? ["stale"] : sights;
}

function isOurs(policy: string): boolean {
  return [OURS, ...ABLATIONS].includes(policy);
}
