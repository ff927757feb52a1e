import type { TraceRequest } from "./request.ts";

/** What an infinite cache shared by everyone would have held of the requests added, in order of their arrival. */
export class HitCeiling {
  readonly #seen = new Set<number>();
  #blocks = 0;
  #tokens = 0;
  #heldBlocks = 0;
  #heldTokens = 0;

  /** Tokens of the prompt that the requests before had brought in. */
  add({ blocks, blockTokens, promptTokens }: TraceRequest): number {
    let held = 0;
    for (const id of blocks) {
      if (!this.#seen.has(id)) break;
      held += 1;
    }
    for (const id of blocks.slice(held)) this.#seen.add(id);
    const heldTokens = Math.min(promptTokens, held * blockTokens);
    this.#blocks += blocks.length;
    this.#tokens += promptTokens;
    this.#heldBlocks += held;
    this.#heldTokens += heldTokens;
    return heldTokens;
  }

  /** Hit rate, 0 to 1: blocks held over all blocks. */
  get byBlock(): number {
    return this.#blocks === 0 ? 0 : this.#heldBlocks / this.#blocks;
  }

  /** Hit rate, 0 to 1: tokens held over all prompt tokens. */
  get byToken(): number {
    return this.#tokens === 0 ? 0 : this.#heldTokens / this.#tokens;
  }
}
