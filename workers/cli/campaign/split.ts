import { atEqualGoodput } from "../../../src/replay/report/equal-goodput.ts";
import { EXACT, STALE } from "../../../src/replay/campaign/cells.ts";
import type { SplitRow } from "../../../src/replay/campaign/split-table.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { policyNamed } from "../../../src/replay/policy-table.ts";
import { OURS } from "../../../src/replay/campaign/results.ts";
import { splitBaselines } from "../../../src/replay/policies/policies.ts";
import { splitSweeps } from "../../../src/replay/policies/sweeps.ts";
import { replay } from "../../../src/replay/replay.ts";
import { atRate, type Workload } from "../../../src/replay/workload.ts";
import { arrivalKindsOf, type UntimedSessions, workloadOf } from "./trace-workload.ts";

export type SplitCampaign = UntimedSessions & {
  readonly trace: readonly string[];
  readonly fleet: FleetSetup;
  readonly load: readonly number[];
  readonly sight: readonly SplitRow["sight"][];
  readonly seeds: number;
  readonly sweep: boolean;
  readonly dollars: boolean;
};

/** Share of requests that meet their objectives where dollars are compared. */
const SLO_SHARE = 0.9;

/** Our decision of where to prefill against the fixed rules: mean TTFT at each load, dollars for the same goodput. */
export async function* splitCampaign(given: SplitCampaign): AsyncGenerator<SplitRow> {
  for (const trace of given.trace) {
    const [arrivals = "traced"] = await arrivalKindsOf(trace);
    const workload = await workloadOf(trace, arrivals, given);
    for (const sight of given.sight) {
      for (const load of given.load) yield ttftRow(given, trace, workload, sight, load);
      if (given.dollars) yield dollarRow(given, trace, workload, sight);
    }
  }
}

function ttftRow(
  given: SplitCampaign,
  trace: string,
  workload: Workload,
  sight: SplitRow["sight"],
  load: number,
): SplitRow {
  const { fleet, seeds } = given;
  const full = capacityRate(workload, fleet, ceilingsOf(workload, 0).cachedTokens);
  const results = replay({
    workload: atRate(workload, load * full),
    fleet,
    policies: policiesOf(given),
    seeds,
    options: optionsOf(sight),
  });
  const values = [...results].map(
    ({ policy, means }) => [policy, (means["mean_ttft_ms"] ?? NaN) / 1000] as const,
  );
  return { trace, sight, measure: `TTFT s at ${load}`, values: new Map(values) };
}

function dollarRow(
  given: SplitCampaign,
  trace: string,
  workload: Workload,
  sight: SplitRow["sight"],
): SplitRow {
  const values = policiesOf(given).map((policy) => {
    const setup = given.fleet;
    const options = optionsOf(sight);
    const found = atEqualGoodput({
      fleet: "",
      setup,
      workload,
      policy,
      options,
      sloShare: SLO_SHARE,
    });
    return [policy.name, found.at?.usdPerThousandGood ?? Infinity] as const;
  });
  return { trace, sight, measure: "$ per 1,000 good", values: new Map(values) };
}

function policiesOf({ sweep }: SplitCampaign) {
  const variants = sweep ? [...splitSweeps.values()].flat().map(({ name }) => name) : [];
  return [OURS, ...splitBaselines.keys(), ...variants].map(policyNamed);
}

function optionsOf(sight: SplitRow["sight"]) {
  return sight === "stale" ? STALE : EXACT;
}
