import type { PromptBlocks } from "./options.ts";

/**
 * What was asked and answered, as blocks of KV cache in the order it really happened, for replaying through one cache
 * as large as several engines' together.
 */
export class BlockLog {
  readonly #ids = new Map<string, number>();
  readonly #uses: Use[] = [];

  asked(prompt: PromptBlocks): void {
    this.#uses.push({ ids: this.#named(prompt.hashes), promptTokens: prompt.tokens });
  }

  /** The blocks of a prompt and its answer: an engine holds the KV cache of what it generated, too. */
  answered(whole: PromptBlocks): void {
    this.#uses.push({ ids: this.#named(whole.hashes), promptTokens: undefined });
  }

  /** Hit rate of one least-recently-used cache of `capacityBlocks` blocks of 16 tokens; null when nothing was asked. */
  hitRate(capacityBlocks: number, blockTokens = 16): number | null {
    const cache = new Set<number>();
    let found = 0;
    let asked = 0;
    for (const { ids, promptTokens } of this.#uses) {
      if (promptTokens !== undefined) {
        // An engine always computes the last token, to have something to go on from.
        const most = Math.floor((promptTokens - 1) / blockTokens);
        let hits = 0;
        while (hits < most && cache.has(ids[hits] ?? -1)) hits += 1;
        found += hits * blockTokens;
        asked += promptTokens;
      }
      use(cache, ids, capacityBlocks);
    }
    return asked === 0 ? null : found / asked;
  }

  #named(hashes: readonly string[]): Int32Array {
    return Int32Array.from(hashes, (hash) => {
      const known = this.#ids.get(hash);
      if (known !== undefined) return known;
      const id = this.#ids.size;
      this.#ids.set(hash, id);
      return id;
    });
  }
}

type Use = { readonly ids: Int32Array; readonly promptTokens: number | undefined };

/** Last block first, so that a prefix outlives what follows it, as engines do it. */
function use(cache: Set<number>, ids: Int32Array, capacity: number): void {
  for (let at = ids.length - 1; at >= 0; at -= 1) {
    const id = ids[at] as number;
    cache.delete(id);
    cache.add(id);
  }
  for (const oldest of cache) {
    if (cache.size <= capacity) return;
    cache.delete(oldest);
  }
}
