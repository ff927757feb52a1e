/** One run of a campaign. */
export type Cell = {
  readonly trace: string;
  readonly calibration: string;
  /** As traced, or simultaneous arrivals spread. */
  readonly arrivals: "traced" | "spread";
  /** Part of what the fleet could do at best. */
  readonly load: number;
  readonly policy: string;
  /** `exact`: one router that knows everything; `stale`: 50 edges that see the fleet a second late. */
  readonly sight: "exact" | "stale";
  readonly seed: number;
};

export type CampaignAxes = {
  readonly traces: readonly string[];
  readonly calibrations: readonly string[];
  readonly arrivals: readonly Cell["arrivals"][];
  readonly loads: readonly number[];
  readonly policies: readonly string[];
  readonly sights: readonly Cell["sight"][];
  readonly seeds: number;
};

/** Every run of a campaign, those that share a workload beside each other. */
export function cellsOf(axes: CampaignAxes): Cell[] {
  const seeds = Array.from({ length: axes.seeds }, (_, n) => n + 1);
  return axes.traces.flatMap((trace) =>
    axes.arrivals.flatMap((arrivals) =>
      axes.calibrations.flatMap((calibration) =>
        axes.loads.flatMap((load) =>
          axes.policies.flatMap((policy) =>
            axes.sights.flatMap((sight) =>
              seeds.map((seed) => ({ trace, calibration, arrivals, load, policy, sight, seed })),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A cell's name, by which a campaign that goes on finds what it has. */
export function cellName(cell: Cell): string {
  const { trace, calibration, arrivals, load, policy, sight, seed } = cell;
  return [trace, calibration, arrivals, load, policy, sight, seed].join(" ");
}

/** What a stale edge has to live with: round trips, late reports and costs wrong by a fifth. */
export const STALE = {
  edges: 50,
  staleMs: 1000,
  reportMs: [50, 300],
  costError: 0.2,
} as const;

/** Exact knowledge has one router, engines as predicted and no delay. */
export const EXACT = { edges: 1, staleMs: 0, reportMs: [0, 0], costError: 0 } as const;
