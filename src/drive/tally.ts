import type { Answer } from "./ask.ts";
import type { CeilingShares } from "./ceiling.ts";
import { latencyFields } from "./latencies.ts";
import { parseRoute } from "./route-header.ts";

/** Counts and latencies of a run, turn by turn. */
export class Tally {
  readonly #ttftMs: number[] = [];
  readonly #tpotMs: number[] = [];
  readonly #itlMs: number[] = [];
  readonly #e2elMs: number[] = [];
  readonly #errors = new Map<string, number>();
  readonly #modes = new Map<string, number>();
  readonly #engines = new Map<string, number>();
  #completed = 0;
  #input = 0;
  #output = 0;
  #cached = 0;
  #inputWithCacheTold = 0;
  #reachable = 0;
  #reachableWithAnswers = 0;
  #failedBeforeContent = 0;
  failed = 0;

  get engines(): ReadonlySet<string> {
    return new Set(this.#engines.keys());
  }

  sawEngine(id: string): void {
    this.#engines.set(id, this.#engines.get(id) ?? 0);
  }

  add(answer: Answer, ceiling: CeilingShares): void {
    const route = answer.headers.get("phaseway-route");
    if (route !== null) {
      const { mode, engines } = parseRoute(route);
      count(this.#modes, mode);
      for (const engine of engines) count(this.#engines, engine);
    }
    if (answer.error !== undefined) {
      this.failed += 1;
      if (answer.ttftMs === undefined) this.#failedBeforeContent += 1;
      count(this.#errors, answer.error);
      return;
    }
    this.#completed += 1;
    this.#e2elMs.push(answer.latencyMs);
    if (answer.ttftMs !== undefined) this.#ttftMs.push(answer.ttftMs);
    if (answer.tpotMs !== undefined) this.#tpotMs.push(answer.tpotMs);
    for (const ms of answer.itlMs) this.#itlMs.push(ms);
    this.#addTokens(answer, ceiling);
  }

  #addTokens(answer: Answer, ceiling: CeilingShares): void {
    const input = answer.promptTokens ?? 0;
    this.#input += input;
    this.#output += answer.outputTokens ?? 0;
    this.#reachable += input * ceiling.asked;
    this.#reachableWithAnswers += input * ceiling.withAnswers;
    if (answer.cachedTokens === undefined) return;
    this.#cached += answer.cachedTokens;
    this.#inputWithCacheTold += input;
  }

  summary(durationMs: number): TallySummary {
    const seconds = durationMs / 1000;
    return {
      completed: this.#completed,
      failed: this.failed,
      failed_before_content: this.#failedBeforeContent,
      duration: seconds,
      total_input_tokens: this.#input,
      total_output_tokens: this.#output,
      total_cached_tokens: this.#cached,
      request_throughput: ratio(this.#completed, seconds),
      output_throughput: ratio(this.#output, seconds),
      total_token_throughput: ratio(this.#input + this.#output, seconds),
      latencies: {
        ...latencyFields("ttft", this.#ttftMs),
        ...latencyFields("tpot", this.#tpotMs),
        ...latencyFields("itl", this.#itlMs),
        ...latencyFields("e2el", this.#e2elMs),
      },
      hit_rate_usage:
        this.#inputWithCacheTold === 0 ? null : ratio(this.#cached, this.#inputWithCacheTold),
      hit_rate_ceiling: this.#input === 0 ? null : ratio(this.#reachable, this.#input),
      hit_rate_ceiling_with_answers:
        this.#input === 0 ? null : ratio(this.#reachableWithAnswers, this.#input),
      errors: sorted(this.#errors),
      modes: sorted(this.#modes),
      engines: sorted(this.#engines),
    };
  }
}

export type TallySummary = {
  readonly completed: number;
  readonly failed: number;
  /** Of these, requests that failed before their client had any of the answer. */
  readonly failed_before_content: number;
  /** Seconds. */
  readonly duration: number;
  readonly total_input_tokens: number;
  readonly total_output_tokens: number;
  readonly total_cached_tokens: number;
  readonly request_throughput: number;
  readonly output_throughput: number;
  readonly total_token_throughput: number;
  /** Null where nothing was measured. */
  readonly latencies: Readonly<Record<string, number | null>>;
  /** From the usage clients see; null when no answer told. */
  readonly hit_rate_usage: number | null;
  /** Null when no prompt token was counted. */
  readonly hit_rate_ceiling: number | null;
  readonly hit_rate_ceiling_with_answers: number | null;
  readonly errors: Readonly<Record<string, number>>;
  readonly modes: Readonly<Record<string, number>>;
  readonly engines: Readonly<Record<string, number>>;
};

/** 0 when there is nothing to divide by. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b)));
}
