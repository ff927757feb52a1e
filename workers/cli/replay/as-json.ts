import type { EqualGoodput } from "../../../src/replay/report/equal-goodput.ts";
import { procurementRows } from "../../../src/replay/report/procurement.ts";
import type { PolicyResult } from "../../../src/replay/replay.ts";
import type { Flags } from "./flags.ts";

/** A policy on a fleet as an object of `--json`. */
export function asObject(
  flags: Flags,
  fleet: string,
  rate: number,
  { policy, seeds, means, halfWidths }: PolicyResult,
): Record<string, unknown> {
  return {
    policy,
    simulated: true,
    traces: flags.trace,
    fleet,
    ...(flags.fleet === undefined && { calibration: flags.calibration, engines: flags.engines }),
    rate,
    ...(flags.load !== undefined && { load: flags.load }),
    edges: flags.edges,
    stale_ms: flags.staleMs,
    rtt_ms: flags.rttMs,
    ...(flags.edgeRegions && { edge_regions: flags.edgeRegions }),
    ...(flags.restart.length > 0 && {
      restarts: flags.restart.map(({ engine, atS }) => `${engine}@${atS}`),
    }),
    report_ms: flags.reportMs,
    cost_error: flags.costError,
    seeds,
    ...rounded(means),
    ...(seeds > 1 && { ci95: rounded(halfWidths) }),
  };
}

/** The objects with what each costs at equal goodput, where that was found. */
export function withEqualGoodput(
  objects: readonly Record<string, unknown>[],
  equal: readonly EqualGoodput[],
): Record<string, unknown>[] {
  const rows = procurementRows(equal);
  return objects.map((object) => {
    const row = rows.find(
      ({ fleet, policy }) => fleet === object["fleet"] && policy === object["policy"],
    );
    return row ? { ...object, equal_goodput: fieldsOf(row) } : object;
  });
}

function fieldsOf(row: ReturnType<typeof procurementRows>[number]) {
  const { sloShare, usdPerHour, at, fleets, usdPerHourForSame } = row;
  if (!at) return { slo_share: sloShare, fleet_usd_per_hour: usdPerHour, reached: false };
  const { summary, rate, usdPerThousandGood } = at;
  return {
    slo_share: sloShare,
    reached: true,
    unfilled: at.isUnfilled,
    ...rounded({
      fleet_usd_per_hour: usdPerHour,
      rate,
      request_goodput: summary.goodput,
      fleets: fleets ?? 0,
      usd_per_hour: usdPerHourForSame ?? 0,
      usd_per_thousand_good: usdPerThousandGood,
      usd_per_mtok: summary.usdPerMTok,
      joules_per_mtok: summary.joulesPerMTok,
    }),
    by_device: Object.fromEntries(
      Object.entries(summary.byDevice).map(([device, one]) => [
        device,
        rounded({
          engines: one.engines,
          busy_share: one.busyShare,
          usd_per_mtok: one.usdPerMTok,
          joules_per_mtok: one.joulesPerMTok,
        }),
      ]),
    ),
  };
}

function rounded(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(7))]),
  );
}
