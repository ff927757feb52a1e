import type { CellResult } from "../../../src/replay/campaign/results.ts";
import type { CampaignAxes } from "../../../src/replay/campaign/stages.ts";
import { sweeps } from "../../../src/replay/policies/sweeps.ts";
import type { Flags } from "./flags.ts";
import { arrivalKindsOf } from "./trace-workload.ts";

/** What the flags vary. */
export async function axesOf(flags: Flags): Promise<CampaignAxes> {
  const traces = [];
  for (const path of flags.trace) {
    const kinds = await arrivalKindsOf(path);
    traces.push({ path, arrivals: kinds.filter((kind) => flags.arrivals.includes(kind)) });
  }
  return {
    traces,
    calibrations: flags.calibration,
    loads: flags.load,
    policies: flags.policy,
    sights: flags.sight,
    seeds: flags.seeds,
    variants: new Map(
      [...(flags.sweep ? sweeps : [])].map(([name, all]) => [name, all.map((one) => one.name)]),
    ),
  };
}

/** Results of this campaign's situations, in its own order: threads finish in theirs. */
export function inOrder(results: readonly CellResult[], axes: CampaignAxes): CellResult[] {
  const place = ({ cell }: CellResult): number[] => [
    axes.traces.findIndex(
      ({ path, arrivals }) => path === cell.trace && arrivals.includes(cell.arrivals),
    ),
    axes.traces.find(({ path }) => path === cell.trace)?.arrivals.indexOf(cell.arrivals) ?? -1,
    axes.calibrations.indexOf(cell.calibration),
    axes.loads.indexOf(cell.load),
    cell.seed,
  ];
  return results
    .map((result) => ({ result, at: place(result) }))
    .filter(({ at }) => !at.includes(-1))
    .toSorted((a, b) => {
      const differs = a.at.findIndex((one, n) => one !== b.at[n]);
      return differs < 0 ? 0 : (a.at[differs] ?? 0) - (b.at[differs] ?? 0);
    })
    .map(({ result }) => result);
}
