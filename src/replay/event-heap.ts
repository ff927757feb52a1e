/** Events in order of time, those of one time in order of entry: a binary heap in typed arrays. */
export class EventHeap {
  #times = new Float64Array(1024);
  #entered = new Float64Array(1024);
  #kinds = new Uint8Array(1024);
  #payloads = new Int32Array(1024);
  #stamps = new Int32Array(1024);
  #count = 0;
  #entries = 0;

  get size(): number {
    return this.#count;
  }

  /** Time of the next event, Infinity when there is none. */
  get nextAt(): number {
    return this.#count === 0 ? Infinity : (this.#times[0] as number);
  }

  get kind(): number {
    return this.#kinds[0] as number;
  }

  get payload(): number {
    return this.#payloads[0] as number;
  }

  /** What the event was entered with; callers compare it to tell events that have been overtaken. */
  get stamp(): number {
    return this.#stamps[0] as number;
  }

  push(atMs: number, kind: number, payload: number, stamp = 0): void {
    if (this.#count === this.#times.length) this.#grow();
    const entered = this.#entries++;
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // Entered later than everything in the heap: only an earlier time lets it rise.
      if ((this.#times[parent] as number) <= atMs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#times[at] = atMs;
    this.#entered[at] = entered;
    this.#kinds[at] = kind;
    this.#payloads[at] = payload;
    this.#stamps[at] = stamp;
  }

  /** Removes the next event. */
  pop(): void {
    const last = --this.#count;
    if (last <= 0) return;
    const atMs = this.#times[last] as number;
    const entered = this.#entered[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child++;
      const time = this.#times[child] as number;
      if (time > atMs || (time === atMs && (this.#entered[child] as number) > entered)) break;
      this.#move(child, at);
      at = child;
    }
    this.#move(last, at);
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#times[a] as number) - (this.#times[b] as number);
    if (difference !== 0) return difference < 0;
    return (this.#entered[a] as number) < (this.#entered[b] as number);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#entered[to] = this.#entered[from] as number;
    this.#kinds[to] = this.#kinds[from] as number;
    this.#payloads[to] = this.#payloads[from] as number;
    this.#stamps[to] = this.#stamps[from] as number;
  }

  #grow(): void {
    const size = this.#times.length * 2;
    const grown = <T extends Float64Array | Uint8Array | Int32Array>(next: T, old: T): T => {
      next.set(old);
      return next;
    };
    this.#times = grown(new Float64Array(size), this.#times);
    this.#entered = grown(new Float64Array(size), this.#entered);
    this.#kinds = grown(new Uint8Array(size), this.#kinds);
    this.#payloads = grown(new Int32Array(size), this.#payloads);
    this.#stamps = grown(new Int32Array(size), this.#stamps);
  }
}
