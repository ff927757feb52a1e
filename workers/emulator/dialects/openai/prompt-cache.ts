import { BLOCK_TOKENS, heldOf } from "../../../../src/sim/hash.ts";
import type { EngineSide } from "../dialect.ts";

/** Steps kept at most before those that nobody can use any more are dropped. */
const KEPT = 50_000;

/**
 * How a hosted API caches prompts: from a length on, in steps, each of which is kept until nobody has used it for a
 * while. In real time, as its limits.
 */
export class PromptCache {
  readonly #side: EngineSide;
  /** When a step, named by all that it ends, was last used. */
  readonly #usedAt = new Map<string, number>();
  readonly #ttlMs: number;
  readonly #least: number;
  readonly #step: number;

  constructor(side: EngineSide) {
    this.#side = side;
    const { cacheTtlS = 300, cacheMinTokens = 1024, cacheStepTokens = 128 } = side.config.pool;
    this.#ttlMs = cacheTtlS * 1000;
    this.#least = cacheMinTokens;
    this.#step = cacheStepTokens;
  }

  /** Tokens at the beginning of a prompt that will be found: as many whole steps as are there still. */
  liveTokens(tokens: readonly number[], salt: string): number {
    const now = Date.now();
    const held = this.#side.engine.cachedTokens(tokens, salt);
    const live = this.#steps(tokens, salt).findLast(
      ({ end, name }) => end <= held && now - (this.#usedAt.get(name) ?? -Infinity) <= this.#ttlMs,
    );
    return live?.end ?? 0;
  }

  /** A prompt was used. */
  keep(tokens: readonly number[], salt: string): void {
    const now = Date.now();
    for (const { name } of this.#steps(tokens, salt)) this.#usedAt.set(name, now);
    if (this.#usedAt.size <= KEPT) return;
    for (const [name, at] of this.#usedAt) if (now - at > this.#ttlMs) this.#usedAt.delete(name);
  }

  #steps(tokens: readonly number[], salt: string): { end: number; name: string }[] {
    const { blocks } = heldOf(tokens);
    const steps: { end: number; name: string }[] = [];
    for (let end = this.#least; end <= tokens.length; end += this.#step) {
      const last = blocks[Math.floor(end / BLOCK_TOKENS) - 1];
      if (last !== undefined) steps.push({ end, name: salt + last });
    }
    return steps;
  }
}
