import { AWAY } from "../../../src/replay/calibrated-fleet.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import type { FleetSetup, RunOptions } from "../../../src/replay/fleet-setup.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import type { Flags } from "./flags.ts";

/** How many times as fast as traced requests come to a fleet: `--rate`, or `--load` of what it could do at best. */
export function rateOf({ load, rate }: Flags, workload: Workload, fleet: FleetSetup): number {
  if (load === undefined) return rate;
  return load * capacityRate(workload, fleet, ceilingsOf(workload, 0).cachedTokens);
}

/** What the flags vary of a run. */
export function optionsOf(flags: Flags): Omit<RunOptions, "seed"> {
  const { edges, rttMs, staleMs, reportMs, costError } = flags;
  const [least = 0, most = least] = reportMs;
  return {
    edges,
    ...(rttMs > 0 && { edgeRegions: [AWAY] }),
    staleMs,
    reportMs: [least, most],
    costError,
  };
}

/** The same in words. */
export function conditionsOf({ edges, staleMs, reportMs, costError, spreadMs }: Flags): string {
  const reports = reportMs.some((ms) => ms > 0) ? `, reports ${reportMs.join(" to ")} ms late` : "";
  const costs = costError > 0 ? `, prefill off by up to ${costError * 100} %` : "";
  const spread = spreadMs === undefined ? "" : `, simultaneous arrivals spread over ${spreadMs} ms`;
  return `${edges} ${edges === 1 ? "edge" : "edges"} seeing the fleet ${staleMs} ms late${reports}${costs}${spread}`;
}
