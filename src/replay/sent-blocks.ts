import { heldPrefix } from "./held-prefix.ts";

/**
 * Blocks in the order of their last use, at most `capacity` of them, the least recently used out first. Takes memory
 * for what it holds only: a fleet of routers keeps one per engine each.
 */
export class SentBlocks {
  readonly capacity: number;
  /** Oldest first. */
  readonly #held = new Set<number>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#held.size;
  }

  /** How many of the first `limit` blocks are held. */
  match(blocks: Int32Array, limit: number): number {
    return heldPrefix(this.#held, blocks, limit);
  }

  /** The leading blocks were just used; a block is always older than those before it. */
  use(blocks: Int32Array): void {
    for (let at = Math.min(blocks.length, this.capacity) - 1; at >= 0; at--) {
      const block = blocks[at] as number;
      this.#held.delete(block);
      this.#held.add(block);
    }
    for (const oldest of this.#held) {
      if (this.#held.size <= this.capacity) return;
      this.#held.delete(oldest);
    }
  }

  clear(): void {
    this.#held.clear();
  }
}
