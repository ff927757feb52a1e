import { parentPort } from "node:worker_threads";
import { AWAY, calibratedFleet, HERE } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import { type Cell, EXACT, STALE } from "../../../src/replay/campaign/cells.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { type Ceilings, ceilingsOf, orderOf } from "../../../src/replay/ceilings.ts";
import { type Figures, figuresOf } from "../../../src/replay/figures.ts";
import { policyNamed } from "../../../src/replay/policy-table.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import { summaryOf } from "../../../src/replay/summary.ts";
import { atRate, type Workload } from "../../../src/replay/workload.ts";
import { type UntimedSessions, workloadOf } from "./trace-workload.ts";

/** What all cells of a campaign have in common. */
export type Conditions = UntimedSessions & {
  readonly engines: number;
  /** Round trip of the stale edges that are in another region than the engines: every second one. */
  readonly rttMs: number;
};

export type CellAsk = { readonly cell: Cell; readonly conditions: Conditions };

/** What cells that come together share. */
type Shared = {
  readonly key: string;
  readonly workload: Workload;
  readonly cachedTokens: Int32Array;
  /** Pooled tokens → the ceilings, where arrivals do not wait for answers. */
  readonly ceilings: Map<number, Ceilings>;
};
let last: Shared | undefined;

parentPort?.on("message", (ask: CellAsk) => {
  runCell(ask).then(
    (figures) => parentPort?.postMessage({ figures }),
    (error: unknown) => parentPort?.postMessage({ error: String(error) }),
  );
});

async function runCell({ cell, conditions }: CellAsk): Promise<Figures> {
  const { engines, rttMs } = conditions;
  const isStale = cell.sight === "stale";
  const fleet = calibratedFleet(calibration(cell.calibration), engines, isStale ? rttMs : 0);
  const shared = await sharedOf(cell, conditions);
  const full = capacityRate(shared.workload, fleet, shared.cachedTokens);
  const workload = atRate(shared.workload, cell.load * full);
  const run = new Simulation(workload, fleet, policyNamed(cell.policy), {
    ...(isStale ? { ...STALE, edgeRegions: [HERE.id, AWAY] } : EXACT),
    seed: cell.seed,
  });
  run.run();
  const pooledTokens = fleet.engines.reduce((sum, { kvTokens }) => sum + kvTokens, 0);
  return figuresOf(summaryOf(run, ceilings(shared, run, pooledTokens)));
}

async function sharedOf(cell: Cell, conditions: Conditions): Promise<Shared> {
  const key = `${cell.trace} ${cell.arrivals}`;
  if (last?.key !== key) {
    const workload = await workloadOf(cell.trace, cell.arrivals, conditions);
    const { cachedTokens } = ceilingsOf(workload, 0);
    last = { key, workload, cachedTokens, ceilings: new Map() };
  }
  return last;
}

function ceilings(shared: Shared, run: Simulation, pooledTokens: number): Ceilings {
  const { workload } = shared;
  const known = shared.ceilings.get(pooledTokens);
  if (known !== undefined) return known;
  const found = ceilingsOf(workload, pooledTokens, orderOf(run.outcomes.arrivedAt));
  if (workload.after.every((before) => before < 0)) shared.ceilings.set(pooledTokens, found);
  return found;
}
