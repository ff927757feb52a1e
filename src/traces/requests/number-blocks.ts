import type { TraceRequest } from "./request.ts";

/**
 * Small numbers for the ids of the full blocks of prompts, in blocks of one size whatever the trace's: small ones are
 * taken together, large ones cut up. Remembers every id seen, about 100 bytes each.
 */
export class BlockNumbers {
  readonly blockTokens: number;
  readonly #numbers = new Map<number, number>();
  #next = 0;

  constructor(blockTokens: number) {
    this.blockTokens = blockTokens;
  }

  /** Distinct blocks seen so far; numbers are below it. */
  get count(): number {
    return this.#next;
  }

  /** Numbers of a request's full blocks; sizes of which neither divides the other are refused. */
  of({ blocks, blockTokens, promptTokens }: TraceRequest): Int32Array {
    const told = Math.min(promptTokens, blocks.length * blockTokens);
    const numbers = new Int32Array(Math.floor(told / this.blockTokens));
    if (numbers.length === 0) return numbers;
    if (this.blockTokens >= blockTokens) {
      const taken = whole(this.blockTokens / blockTokens);
      for (let at = 0; at < numbers.length; at += 1)
        numbers[at] = this.#number(blocks[(at + 1) * taken - 1] ?? 0, 1);
    } else {
      const parts = whole(blockTokens / this.blockTokens);
      for (let at = 0; at < numbers.length; at += 1)
        numbers[at] = this.#number(blocks[Math.floor(at / parts)] ?? 0, parts) + (at % parts);
    }
    return numbers;
  }

  #number(id: number, parts: number): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#next;
    this.#next += parts;
    this.#numbers.set(id, number);
    return number;
  }
}

function whole(ratio: number): number {
  if (Number.isInteger(ratio)) return ratio;
  throw new RangeError(`blocks cannot be cut into parts ${ratio} times their size`);
}
