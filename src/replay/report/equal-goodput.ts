import { capacityRate } from "../capacity.ts";
import { ceilingsOf } from "../ceilings.ts";
import type { FleetSetup, RunOptions } from "../fleet-setup.ts";
import type { PolicyEntry } from "../policy.ts";
import { replay } from "../replay.ts";
import type { Summary } from "../summary.ts";
import { atRate, type Workload } from "../workload.ts";

/** What a fleet costs at the highest rate at which it still serves enough of a trace within the objectives. */
export type EqualGoodput = {
  readonly fleet: string;
  readonly policy: string;
  /** Least share of requests that met every objective. */
  readonly sloShare: number;
  readonly usdPerHour: number;
  /** Undefined where the fleet does not get there however slowly requests come. */
  readonly at: AtBest | undefined;
};

export type AtBest = {
  /** Times the trace's own rate. */
  readonly rate: number;
  readonly summary: Summary;
  /** The trace has too few requests to fill the fleet: it could take more. */
  readonly isUnfilled: boolean;
  /** Dollars for a thousand requests within the objectives: the same for one fleet and for a hundred of them. */
  readonly usdPerThousandGood: number;
};

/** Rates are found to this factor. */
const EXACT = 1.03;
/** A fleet that cannot do it at this part of its capacity cannot do it. */
const LEAST_LOAD = 0.02;
/** One that still can at this many times its capacity was asked too little: the trace is over before it is full. */
const MOST_LOAD = 4;

/** Finds that rate by trying; chance is seed 1. */
export function atEqualGoodput(given: {
  readonly fleet: string;
  readonly setup: FleetSetup;
  readonly workload: Workload;
  readonly policy: PolicyEntry;
  readonly options: Omit<RunOptions, "seed">;
  readonly sloShare: number;
}): EqualGoodput {
  const { workload, setup, policy, options, sloShare } = given;
  const capacity = capacityRate(workload, setup, ceilingsOf(workload, 0).cachedTokens);
  let best: AtBest | undefined;
  const isEnough = (rate: number): boolean => {
    const slowed = atRate(workload, rate);
    const [result] = replay({
      workload: slowed,
      fleet: setup,
      policies: [policy],
      seeds: 1,
      options,
    });
    const summary = result?.summaries[0];
    if (!summary) return false;
    const good = summary.goodput * summary.spanS;
    if (good < sloShare * summary.requests) return false;
    if (best && best.rate >= rate) return true;
    const usd = (usdPerHour(setup) / 3600) * summary.spanS;
    best = {
      rate,
      summary,
      isUnfilled: rate > MOST_LOAD * capacity,
      usdPerThousandGood: (usd / good) * 1000,
    };
    return true;
  };
  search(capacity, isEnough);
  return {
    fleet: given.fleet,
    policy: policy.name,
    sloShare,
    usdPerHour: usdPerHour(setup),
    at: best,
  };
}

/** Dollars per hour of all engines, used or not. */
export function usdPerHour({ engines }: FleetSetup): number {
  return engines.reduce((sum, { speed }) => sum + speed.usdPerMs * 3_600_000, 0);
}

function search(capacity: number, isEnough: (rate: number) => boolean): void {
  let low = 0.6 * capacity;
  let high = low;
  if (isEnough(low)) {
    for (high = low * 1.25; isEnough(high); high *= 1.25) {
      low = high;
      if (low > MOST_LOAD * capacity) return;
    }
  } else {
    do {
      high = low;
      low /= 1.6;
      if (low < LEAST_LOAD * capacity) return;
    } while (!isEnough(low));
  }
  while (high / low > EXACT) {
    const middle = Math.sqrt(low * high);
    if (isEnough(middle)) low = middle;
    else high = middle;
  }
}
