import type { Workload } from "./workload.ts";

/** Who arrives next: requests of fixed arrival one after another, others when what they wait for has ended. */
export class Turns {
  readonly #workload: Workload;
  /** Requests that wait for another's end, as lists. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  #at = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
    const { after, count } = workload;
    this.#first = new Int32Array(count).fill(-1);
    this.#next = new Int32Array(count).fill(-1);
    for (let i = count - 1; i >= 0; i--) {
      const before = after[i] as number;
      if (before < 0) continue;
      this.#next[i] = this.#first[before] as number;
      this.#first[before] = i;
    }
    this.#skip();
  }

  /** Time of the next fixed arrival; Infinity when there are no more. */
  get nextAt(): number {
    return this.#at < this.#workload.count ? (this.#workload.atMs[this.#at] as number) : Infinity;
  }

  /** Takes the next request of fixed arrival. */
  take(): number {
    const taken = this.#at++;
    this.#skip();
    return taken;
  }

  /** A request ended: those that waited for it come after their pause. */
  ended(index: number, atMs: number, come: (atMs: number, index: number) => void): void {
    for (let i = this.#first[index] as number; i >= 0; i = this.#next[i] as number) {
      const earliest = this.#workload.atMs[i] as number;
      come(Math.max(earliest, atMs + (this.#workload.thinkMs[i] as number)), i);
    }
  }

  #skip(): void {
    const { after, count } = this.#workload;
    while (this.#at < count && (after[this.#at] as number) >= 0) this.#at++;
  }
}
