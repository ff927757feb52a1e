import { ceilingsOf, orderOf } from "./ceilings.ts";
import { type Figures, figuresOf, overSeeds } from "./figures.ts";
import type { FleetSetup, RunOptions } from "./fleet-setup.ts";
import type { PolicyEntry } from "./policy.ts";
import { Simulation } from "./simulation.ts";
import { type Summary, summaryOf } from "./summary.ts";
import type { Workload } from "./workload.ts";

/** What one policy made of a workload, over all seeds. */
export type PolicyResult = {
  readonly policy: string;
  readonly seeds: number;
  readonly summaries: readonly Summary[];
  readonly means: Figures;
  /** Half the width of the 95 % interval of each mean; empty with one seed. */
  readonly halfWidths: Figures;
};

/** Replays a workload under one policy after another, with seeds 1 to `seeds`. */
export function* replay(given: {
  readonly workload: Workload;
  readonly fleet: FleetSetup;
  readonly policies: readonly PolicyEntry[];
  readonly seeds: number;
  readonly options: Omit<RunOptions, "seed">;
  /** Sees each run before it begins; what it returns is called at its end. */
  readonly watch?: (run: Simulation, policy: string, seed: number) => (() => void) | undefined;
}): Generator<PolicyResult> {
  const { workload, fleet, seeds, options } = given;
  const pooledTokens = fleet.engines.reduce((sum, { kvTokens }) => sum + kvTokens, 0);
  const asTraced = ceilingsOf(workload, pooledTokens);
  const isOpen = workload.after.every((before) => before < 0);
  for (const entry of given.policies) {
    const summaries: Summary[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const run = new Simulation(workload, fleet, entry, { ...options, seed });
      const over = given.watch?.(run, entry.name, seed);
      run.run();
      over?.();
      const order = orderOf(run.outcomes.arrivedAt);
      const ceilings = isOpen ? asTraced : ceilingsOf(workload, pooledTokens, order);
      summaries.push(summaryOf(run, ceilings));
    }
    yield { policy: entry.name, seeds, summaries, ...overSeeds(summaries.map(figuresOf)) };
  }
}
