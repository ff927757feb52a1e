import { calibratedFleet } from "../calibrated-fleet.ts";
import type { Outcomes } from "../outcomes.ts";
import type { PolicyEntry } from "../policy.ts";
import { Simulation } from "../simulation.ts";
import { spreadOf } from "../statistics.ts";
import type { Workload } from "../workload.ts";
import { LLM_D_PODS, llmDPod, type Stage } from "./llm-d-73.ts";
import type { LlmDFigures } from "./llm-d-schedulers.ts";

/** How old pods' metrics are where llm-d's scheduler reads them, ms. */
const SCRAPE_MS = 50;

/** Runs the workload of these stages under one policy, as the published benchmark did under its schedulers. */
export function runLlmD(
  workload: Workload,
  stages: readonly Stage[],
  entry: PolicyEntry,
): LlmDFigures {
  const fleet = calibratedFleet(llmDPod(), LLM_D_PODS);
  const run = new Simulation(workload, fleet, entry, { seed: 1, edges: 1, staleMs: SCRAPE_MS });
  run.run();
  const { outcomes } = run;
  const ttftS: number[] = [];
  let busyS = 0;
  let outputs = 0;
  let from = 0;
  for (const [n, { perS, seconds }] of stages.entries()) {
    const to = from + Math.round(perS * seconds);
    const endedS = lastEnd(outcomes, from, to) / 1000;
    if (endedS * 1000 > (outcomes.arrivedAt[to] ?? Infinity)) {
      throw new RangeError(`stage ${n} has not ended before the next`);
    }
    if (n > 0) {
      for (let i = from; i < to; i++) {
        ttftS.push(((outcomes.firstTokenAt[i] ?? NaN) - (outcomes.arrivedAt[i] ?? NaN)) / 1000);
        outputs += workload.outputTokens[i] ?? 0;
      }
      busyS += endedS - (outcomes.arrivedAt[from] ?? NaN) / 1000;
    }
    from = to;
  }
  const { mean, p90 } = spreadOf(ttftS);
  return { ttftMeanS: mean, ttftP90S: p90, outputPerS: outputs / busyS };
}

function lastEnd({ endedAt }: Outcomes, from: number, to: number): number {
  return endedAt.subarray(from, to).reduce((last, at) => Math.max(last, at), 0);
}
