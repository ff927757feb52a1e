/** Records of a few numbers each, in order of time: written at one end, taken from the other. */
export class TimedRing {
  readonly #width: number;
  #times = new Float64Array(256);
  /** Values of all records; `takeUntil` says where one begins. */
  values: Float64Array;
  #from = 0;
  #count = 0;

  constructor(width: number) {
    this.#width = width;
    this.values = new Float64Array(256 * width);
  }

  /** True when one more record takes more memory. */
  get isFull(): boolean {
    return this.#count === this.#times.length;
  }

  /** Adds a record of the first numbers of `values`. */
  push(atMs: number, values: Float64Array): void {
    if (this.isFull) this.#grow();
    const at = (this.#from + this.#count++) & (this.#times.length - 1);
    this.#times[at] = atMs;
    for (let i = 0; i < this.#width; i++) this.values[at * this.#width + i] = values[i] as number;
  }

  /** Takes the oldest record, if it is of `untilMs` or before: where it begins in `values`, else -1. Valid until `push`. */
  takeUntil(untilMs: number): number {
    if (this.#count === 0 || (this.#times[this.#from] as number) > untilMs) return -1;
    const at = this.#from;
    this.#from = (at + 1) & (this.#times.length - 1);
    this.#count--;
    return at * this.#width;
  }

  #grow(): void {
    const size = this.#times.length;
    const times = new Float64Array(size * 2);
    const values = new Float64Array(size * 2 * this.#width);
    times.set(this.#times.subarray(this.#from));
    times.set(this.#times.subarray(0, this.#from), size - this.#from);
    values.set(this.values.subarray(this.#from * this.#width));
    values.set(
      this.values.subarray(0, this.#from * this.#width),
      (size - this.#from) * this.#width,
    );
    this.#times = times;
    this.values = values;
    this.#from = 0;
  }
}
