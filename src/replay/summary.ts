import { boundTtftMs } from "./bound.ts";
import type { Ceilings } from "./ceilings.ts";
import type { Lost } from "./engine-listener.ts";
import { FAILED, FINISHED, REFUSED } from "./outcomes.ts";
import type { Simulation } from "./simulation.ts";
import { spreadOf, type Spread } from "./statistics.ts";
import { type CostFigures, costFigures } from "./cost-figures.ts";

/** What one run came to. Times in simulated ms. */
export type Summary = CostFigures & {
  readonly requests: number;
  readonly finished: number;
  readonly shed: number;
  readonly failed: number;
  readonly ttftMs: Spread;
  readonly tpotMs: Spread;
  readonly e2eMs: Spread;
  /** TTFT over the request's own TTFT with no queue and an infinite shared cache. */
  readonly slowdown: Spread;
  /** The same by quartile of prompt size, smallest first. */
  readonly slowdownByQuartile: readonly { readonly p99: number; readonly max: number }[];
  /** Requests per second that met every SLO. */
  readonly goodput: number;
  readonly slo: { readonly ttftMs: number; readonly tpotMs: number };
  /** Share of prompt tokens that no engine prefilled; `pulled` of them were moved. */
  readonly hitRate: number;
  readonly pulledRate: number;
  readonly hitCeiling: number;
  readonly hitCeilingByBlock: number | null;
  readonly hitPooledLru: number;
  readonly boundTtftMs: number;
  readonly regretMs: number;
  /** Most over mean busy time of an engine, and busy share of the fleet. */
  readonly loadMaxOverMean: number;
  readonly busyShare: number;
  readonly movedGB: number;
  /** What restarts took, and how often a request was routed again; undefined where none were asked for. */
  readonly lost: (Lost & { readonly rerouted: number }) | undefined;
  readonly spanS: number;
};

/** Sums a finished run up. */
export function summaryOf(run: Simulation, ceilings: Ceilings): Summary {
  const { workload, outcomes, setup } = run;
  const { slo } = setup.mesh;
  const bound = boundTtftMs(workload, setup, ceilings.cachedTokens, (i) => nearestRtt(run, i));
  const times = new Times();
  const met = { slo: 0, finished: 0, prompts: 0, outputs: 0, computed: 0, pulled: 0, bound: 0 };
  let first = Infinity;
  let last = 0;
  for (let i = 0; i < workload.count; i++) {
    first = Math.min(first, outcomes.arrivedAt[i] as number);
    const ended = outcomes.endedAt[i] as number;
    if (ended > last) last = ended;
    if (outcomes.status[i] !== FINISHED) continue;
    const prompt = workload.promptTokens[i] as number;
    const output = workload.outputTokens[i] as number;
    const ttft = (outcomes.firstTokenAt[i] as number) - (outcomes.arrivedAt[i] as number);
    const tpot = output > 1 ? (ended - (outcomes.firstTokenAt[i] as number)) / (output - 1) : 0;
    times.add(
      prompt,
      ttft,
      tpot,
      ended - (outcomes.arrivedAt[i] as number),
      ttft / (bound[i] as number),
    );
    met.finished++;
    if (ttft <= slo.interactive.ttftMs && tpot <= slo.interactive.tpotMs) met.slo++;
    met.prompts += prompt;
    met.outputs += output;
    met.computed += Math.min(prompt, outcomes.computedTokens[i] as number);
    met.pulled += outcomes.pulledTokens[i] as number;
    met.bound += bound[i] as number;
  }
  const spanMs = Math.max(1, last - first);
  const busy = run.fleet.engines.map(({ busyMs }) => busyMs);
  const busyMean = busy.reduce((sum, ms) => sum + ms, 0) / busy.length;
  const ttftMs = spreadOf(times.ttft);
  const boundMean = met.finished === 0 ? 0 : met.bound / met.finished;
  return {
    requests: workload.count,
    finished: met.finished,
    shed: countOf(outcomes.status, REFUSED),
    failed: countOf(outcomes.status, FAILED),
    ttftMs,
    tpotMs: spreadOf(times.tpot),
    e2eMs: spreadOf(times.e2e),
    slowdown: spreadOf(times.slowdown),
    slowdownByQuartile: times.byQuartile(),
    goodput: (met.slo / spanMs) * 1000,
    slo: slo.interactive,
    hitRate: met.prompts === 0 ? 0 : 1 - met.computed / met.prompts,
    pulledRate: met.prompts === 0 ? 0 : met.pulled / met.prompts,
    hitCeiling: ceilings.infinite,
    hitCeilingByBlock: ceilings.byBlock,
    hitPooledLru: ceilings.pooled,
    boundTtftMs: boundMean,
    regretMs: ttftMs.mean - boundMean,
    loadMaxOverMean: busyMean === 0 ? 1 : Math.max(...busy) / busyMean,
    busyShare: busyMean / spanMs,
    movedGB: run.fleet.network.transfers.movedBytes / 1e9,
    lost: run.hasRestarts ? { ...run.fleet.lost, rerouted: run.rerouted } : undefined,
    spanS: spanMs / 1000,
    ...costFigures(run, spanMs, met.prompts + met.outputs),
  };
}

/** Latencies of finished requests, each list in the same order. */
class Times {
  readonly prompts: number[] = [];
  readonly ttft: number[] = [];
  readonly tpot: number[] = [];
  readonly e2e: number[] = [];
  readonly slowdown: number[] = [];

  add(prompt: number, ttft: number, tpot: number, e2e: number, slowdown: number): void {
    this.prompts.push(prompt);
    this.ttft.push(ttft);
    if (tpot > 0) this.tpot.push(tpot);
    this.e2e.push(e2e);
    this.slowdown.push(slowdown);
  }

  byQuartile(): { p99: number; max: number }[] {
    const bySize = [...this.prompts.keys()].toSorted(
      (a, b) => (this.prompts[a] ?? 0) - (this.prompts[b] ?? 0) || a - b,
    );
    return [0, 1, 2, 3].map((quarter) => {
      const from = Math.floor((bySize.length * quarter) / 4);
      const to = Math.floor((bySize.length * (quarter + 1)) / 4);
      const { p99, max } = spreadOf(bySize.slice(from, to).map((i) => this.slowdown[i] ?? 0));
      return { p99, max };
    });
  }
}

function nearestRtt({ arrivals, setup }: Simulation, request: number): number {
  const engines = setup.engines.length;
  const from = (arrivals.edge[request] ?? 0) * engines;
  let nearest = Infinity;
  for (let i = 0; i < engines; i++) nearest = Math.min(nearest, arrivals.rttMs[from + i] ?? 0);
  return nearest;
}

function countOf(values: Uint8Array, wanted: number): number {
  return values.reduce((count, value) => count + (value === wanted ? 1 : 0), 0);
}
