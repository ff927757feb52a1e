/**
 * Uses of a cache, oldest first, with what is left of each: 24 bytes a use, where objects in a `Map` take 100. A use is
 * named by a number above 0, which is another's once nothing is left of it.
 */
export class RunTable {
  /** Names that were given back, one behind the other. */
  #free = 0;
  /** The highest name that was given away. */
  #used = 0;
  #oldest = 0;
  #newest = 0;
  #at = new Float64Array(FEWEST);
  #tokens = new Uint32Array(FEWEST);
  #links = new Uint32Array(FEWEST);
  #next = new Uint32Array(FEWEST);
  #previous = new Uint32Array(FEWEST);

  /** 0 when there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** 0 when there is none. */
  get newest(): number {
    return this.#newest;
  }

  /** The one after it; 0 behind the newest. */
  after(run: number): number {
    return this.#next[run] as number;
  }

  /** When it was, ms. */
  atOf(run: number): number {
    return this.#at[run] as number;
  }

  /** Tokens that are left of it. */
  tokensOf(run: number): number {
    return this.#tokens[run] as number;
  }

  /** A new one, without links yet. */
  begin(at: number): number {
    if (this.#free === 0 && this.#used + 1 >= this.#at.length) this.#grow();
    const run = this.#free || ++this.#used;
    if (this.#free > 0) this.#free = this.after(run);
    this.#at[run] = at;
    this.#tokens[run] = 0;
    this.#links[run] = 0;
    this.#next[run] = 0;
    this.#previous[run] = this.#newest;
    if (this.#newest > 0) this.#next[this.#newest] = run;
    else this.#oldest = run;
    this.#newest = run;
    return run;
  }

  /** One more link of so many tokens is of this use. */
  enter(run: number, tokens: number): void {
    this.#links[run] = (this.#links[run] as number) + 1;
    this.#tokens[run] = this.tokensOf(run) + tokens;
  }

  /** One link less; a use that has none any more is gone. */
  leave(run: number, tokens: number): void {
    const links = (this.#links[run] as number) - 1;
    this.#links[run] = links;
    this.#tokens[run] = this.tokensOf(run) - tokens;
    if (links === 0) this.drop(run);
  }

  /** Forgets a use that has no links. */
  drop(run: number): void {
    const [next, previous] = [this.after(run), this.#previous[run] as number];
    if (previous > 0) this.#next[previous] = next;
    else this.#oldest = next;
    if (next > 0) this.#previous[next] = previous;
    else this.#newest = previous;
    this.#next[run] = this.#free;
    this.#free = run;
  }

  /** The oldest `tokens`, those of one use left out, each multiplied by what `worth` says of when it was. */
  weigh(tokens: number, except: number, worth: (at: number) => number): number {
    let over = tokens;
    let sum = 0;
    for (let run = this.#oldest; run > 0 && over > 0; run = this.after(run)) {
      if (run === except) continue;
      const leaving = Math.min(over, this.tokensOf(run));
      sum += leaving * worth(this.atOf(run));
      over -= leaving;
    }
    return sum;
  }

  /** True when the oldest `tokens` reach into a use at `sinceMs` or later. */
  takesSince(tokens: number, sinceMs: number): boolean {
    let over = tokens;
    for (let run = this.#oldest; run > 0 && over > 0; run = this.after(run)) {
      if (this.atOf(run) >= sinceMs) return true;
      over -= this.tokensOf(run);
    }
    return false;
  }

  #grow(): void {
    const length = Math.ceil(this.#at.length * GROWTH);
    this.#at = larger(this.#at, new Float64Array(length));
    this.#tokens = larger(this.#tokens, new Uint32Array(length));
    this.#links = larger(this.#links, new Uint32Array(length));
    this.#next = larger(this.#next, new Uint32Array(length));
    this.#previous = larger(this.#previous, new Uint32Array(length));
  }
}

const FEWEST = 16;
const GROWTH = 1.125;

function larger<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
