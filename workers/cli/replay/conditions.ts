import { AWAY } from "../../../src/replay/calibrated-fleet.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import type { FleetSetup, RunOptions } from "../../../src/replay/fleet-setup.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import type { Flags } from "./flags.ts";
import { restartsOf } from "./restarts.ts";

/** How many times as fast as traced requests come to a fleet: `--rate`, or `--load` of what it could do at best. */
export function rateOf({ load, rate }: Flags, workload: Workload, fleet: FleetSetup): number {
  if (load === undefined) return rate;
  return load * capacityRate(workload, fleet, ceilingsOf(workload, 0).cachedTokens);
}

/** What the flags vary of a run against one fleet. */
export function optionsOf(flags: Flags, fleet: FleetSetup): Omit<RunOptions, "seed"> {
  const { edges, staleMs, reportMs, costError, restart } = flags;
  const [least = 0, most = least] = reportMs;
  const edgeRegions = edgeRegionsOf(flags);
  return {
    edges,
    ...(edgeRegions && { edgeRegions }),
    ...(restart.length > 0 && { restarts: restartsOf(restart, fleet) }),
    staleMs,
    reportMs: [least, most],
    costError,
  };
}

function edgeRegionsOf({ edges, edgeRegions, rttMs, fleet }: Flags): string[] | undefined {
  if (edgeRegions === undefined && rttMs === 0) return undefined;
  if (rttMs > 0 && (edgeRegions ?? fleet) !== undefined) {
    throw new Error("--rtt-ms is for equal engines, and edges without --edge-regions");
  }
  if (edgeRegions && edgeRegions.length > edges) {
    throw new Error(`edges in ${edgeRegions.length} regions need --edges ${edgeRegions.length}`);
  }
  return edgeRegions ?? [AWAY];
}

/** The same in words. */
export function conditionsOf(flags: Flags): string {
  const { edges, edgeRegions, staleMs, reportMs, costError, spreadMs, restart } = flags;
  const where = edgeRegions === undefined ? "" : ` in ${edgeRegions.join(", ")}`;
  const reports = reportMs.some((ms) => ms > 0) ? `, reports ${reportMs.join(" to ")} ms late` : "";
  const costs = costError > 0 ? `, prefill off by up to ${costError * 100} %` : "";
  const spread = spreadMs === undefined ? "" : `, simultaneous arrivals spread over ${spreadMs} ms`;
  const restarts = restart.map(({ engine, atS }) => `, engine ${engine} restarting at ${atS} s`);
  return `${edges} ${edges === 1 ? "edge" : "edges"}${where} seeing the fleet ${staleMs} ms late${reports}${costs}${spread}${restarts.join("")}`;
}
