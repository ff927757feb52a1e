import type { Sequences } from "./sequences.ts";

/** What the engine counts over its life, in tokens. */
export class Counters {
  #promptTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;

  /** A prompt of `tokens`, of which `cached` need not be computed. */
  prompt(tokens: number, cached: number): void {
    this.#promptTokens += tokens;
    this.#cachedTokens += cached;
  }

  /** A token was sampled. */
  output(): void {
    this.#outputTokens += 1;
  }

  /** Prometheus text. */
  text(model: string, sequences: Sequences): string {
    const { running, waiting, cellsUsed, cellsTotal } = sequences.counts;
    const rows = [
      ["num_requests_running", "gauge", running],
      ["num_requests_waiting", "gauge", waiting],
      ["kv_cells_used", "gauge", cellsUsed],
      ["kv_cells_total", "gauge", cellsTotal],
      ["kv_cache_usage_perc", "gauge", cellsUsed / cellsTotal],
      ["prompt_tokens_total", "counter", this.#promptTokens],
      ["prompt_tokens_cached_total", "counter", this.#cachedTokens],
      ["generation_tokens_total", "counter", this.#outputTokens],
    ] as const;
    const label = JSON.stringify(model);
    return rows
      .map(
        ([name, type, value]) =>
          `# TYPE llamacpp:${name} ${type}\nllamacpp:${name}{model_name=${label}} ${value}\n`,
      )
      .join("");
  }
}
