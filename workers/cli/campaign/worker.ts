import { parentPort } from "node:worker_threads";
import { AWAY, calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import { type Cell, EXACT, STALE } from "../../../src/replay/campaign/cells.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { ceilingsOf, orderOf } from "../../../src/replay/ceilings.ts";
import { figuresOf } from "../../../src/replay/figures.ts";
import { policyNamed } from "../../../src/replay/policy-table.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import { summaryOf } from "../../../src/replay/summary.ts";
import { atRate, type Workload } from "../../../src/replay/workload.ts";
import { readTraceWorkload } from "../replay/read-workload.ts";

/** What a worker is asked: a cell, and how large the fleet is. */
export type CellAsk = {
  readonly cell: Cell;
  readonly engines: number;
  readonly rttMs: number;
  readonly repeat: number;
};

const SPREAD_MS = 3000;
/** Traces that tell no times: the rate of sessions before it is brought to the load. */
const SESSIONS_PER_S = 1;

/** The workload of the last cell; cells that share one come together. */
let last: { readonly key: string; readonly workload: Workload } | undefined;

parentPort?.on("message", (ask: CellAsk) => {
  runCell(ask).then(
    (figures) => parentPort?.postMessage({ figures }),
    (error: unknown) => parentPort?.postMessage({ error: String(error) }),
  );
});

async function runCell({ cell, engines, rttMs, repeat }: CellAsk) {
  const fleet = calibratedFleet(calibration(cell.calibration), engines, rttMs);
  const traced = await workloadOf(cell, repeat);
  const asTraced = ceilingsOf(traced, 0);
  const full = capacityRate(traced, fleet, asTraced.cachedTokens);
  const workload = atRate(traced, cell.load * full);
  const sight = cell.sight === "stale" ? STALE : EXACT;
  const run = new Simulation(workload, fleet, policyNamed(cell.policy), {
    ...sight,
    ...(rttMs > 0 && { edgeRegions: [AWAY] }),
    seed: cell.seed,
  });
  run.run();
  const pooledTokens = fleet.engines.reduce((sum, { kvTokens }) => sum + kvTokens, 0);
  const order = orderOf(run.outcomes.arrivedAt);
  return figuresOf(summaryOf(run, ceilingsOf(workload, pooledTokens, order)));
}

async function workloadOf(cell: Cell, repeat: number): Promise<Workload> {
  const key = `${cell.trace} ${cell.arrivals} ${repeat}`;
  if (last?.key !== key) {
    const flags = {
      trace: [cell.trace],
      repeat,
      sessionsPerS: SESSIONS_PER_S,
      onlyUntimed: true,
      ...(cell.arrivals === "spread" && { spreadMs: SPREAD_MS }),
    };
    last = { key, workload: await readTraceWorkload(flags, () => {}) };
  }
  return last.workload;
}
