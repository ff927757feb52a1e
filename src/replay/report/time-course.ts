import type { Outcomes } from "../outcomes.ts";
import type { Simulation } from "../simulation.ts";

/** How one run went, in equal steps of virtual time from the first arrival. */
export type TimeCourse = {
  readonly stepMs: number;
  /** Share of the fleet's time that was busy. */
  readonly busy: readonly number[];
  /** Requests that had arrived and not yet seen a first token, on average. */
  readonly waiting: readonly number[];
  /** Mean TTFT of those that arrived in the step, ms; NaN where none did. */
  readonly ttftMs: readonly number[];
};

/** Follows a run that has not begun; the function it returns gives the course once the run is over. */
export function followCourse(run: Simulation): () => TimeCourse {
  const busy = new SpreadOut();
  run.fleet.onBusy = (_engine, fromMs, toMs) => busy.add(fromMs, toMs);
  return () => courseOf(run, busy);
}

const MOST_STEPS = 200;

/** Time spans added up in steps, which double as time goes on. */
class SpreadOut {
  stepMs: number;
  sums: number[] = [];

  constructor(stepMs = 10) {
    this.stepMs = stepMs;
  }

  add(fromMs: number, toMs: number): void {
    this.widen(Math.ceil((toMs + 1) / MOST_STEPS));
    const last = Math.floor(toMs / this.stepMs);
    for (let step = Math.floor(fromMs / this.stepMs); step <= last; step++) {
      const from = Math.max(fromMs, step * this.stepMs);
      const to = Math.min(toMs, (step + 1) * this.stepMs);
      this.sums[step] = (this.sums[step] ?? 0) + to - from;
    }
  }

  /** Makes steps at least this wide. */
  widen(stepMs: number): void {
    while (this.stepMs < stepMs) {
      const joined: number[] = [];
      for (const [step, sum] of this.sums.entries()) {
        joined[step >> 1] = (joined[step >> 1] ?? 0) + (sum ?? 0);
      }
      this.sums = joined;
      this.stepMs *= 2;
    }
  }
}

function courseOf({ outcomes, workload, setup }: Simulation, busy: SpreadOut): TimeCourse {
  const { arrivedAt, firstTokenAt, endedAt } = outcomes;
  const waiting = new SpreadOut(busy.stepMs);
  let startMs = Infinity;
  let endMs = 0;
  for (let i = 0; i < workload.count; i++) {
    const arrived = arrivedAt[i] as number;
    const first = firstTokenAt[i] as number;
    startMs = Math.min(startMs, arrived);
    endMs = Math.max(endMs, endedAt[i] as number);
    // What was refused or lost waited until it was.
    waiting.add(arrived, Number.isNaN(first) ? (endedAt[i] as number) : first);
  }
  busy.widen(waiting.stepMs);
  const { stepMs } = busy;
  const from = Math.floor(startMs / stepMs);
  const steps = Array.from({ length: Math.ceil(endMs / stepMs) - from }, (_, n) => from + n);
  return {
    stepMs,
    busy: steps.map((step) => (busy.sums[step] ?? 0) / (stepMs * setup.engines.length)),
    waiting: steps.map((step) => (waiting.sums[step] ?? 0) / stepMs),
    ttftMs: ttftBySteps(outcomes, from, stepMs, steps.length),
  };
}

function ttftBySteps(
  { arrivedAt, firstTokenAt }: Outcomes,
  firstStep: number,
  stepMs: number,
  steps: number,
): number[] {
  const sums = new Float64Array(steps);
  const counts = new Float64Array(steps);
  for (const [i, first] of firstTokenAt.entries()) {
    if (Number.isNaN(first)) continue;
    const arrived = arrivedAt[i] as number;
    const step = Math.floor(arrived / stepMs) - firstStep;
    sums[step] = (sums[step] ?? 0) + first - arrived;
    counts[step] = (counts[step] ?? 0) + 1;
  }
  return Array.from(sums, (sum, step) => sum / (counts[step] as number));
}
