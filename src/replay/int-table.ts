/**
 * A map from non-negative integers to integers, open addressed in two typed arrays: a `Map` of numbers is several times
 * slower where a run looks up hundreds of blocks per request. Grows as needed.
 */
export class IntTable {
  #keys: Int32Array;
  #values: Int32Array;
  #shift: number;
  #size = 0;

  constructor(expected = 8) {
    const bits = Math.max(4, Math.ceil(Math.log2(expected * 2)));
    this.#keys = new Int32Array(1 << bits).fill(EMPTY);
    this.#values = new Int32Array(1 << bits);
    this.#shift = 32 - bits;
  }

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#keys[this.#find(key)] === key;
  }

  /** The value of `key`, -1 where there is none. */
  get(key: number): number {
    const at = this.#find(key);
    return this.#keys[at] === key ? (this.#values[at] as number) : -1;
  }

  set(key: number, value: number): void {
    let at = this.#find(key);
    if (this.#keys[at] !== key) {
      if ((this.#size + 1) * 2 > this.#keys.length) {
        this.#grow();
        at = this.#find(key);
      }
      this.#keys[at] = key;
      this.#size++;
    }
    this.#values[at] = value;
  }

  delete(key: number): void {
    const mask = this.#keys.length - 1;
    let hole = this.#find(key);
    if (this.#keys[hole] !== key) return;
    this.#size--;
    // What was pushed past the hole moves back into it, so that no search ends early.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const other = this.#keys[at] as number;
      if (other === EMPTY) break;
      const home = this.#home(other);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = other;
      this.#values[hole] = this.#values[at] as number;
      hole = at;
    }
    this.#keys[hole] = EMPTY;
  }

  clear(): void {
    this.#keys.fill(EMPTY);
    this.#size = 0;
  }

  #home(key: number): number {
    return Math.imul(key, 0x9e3779b1) >>> this.#shift;
  }

  #find(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let at = this.#home(key);
    for (;;) {
      const found = keys[at] as number;
      if (found === key || found === EMPTY) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(keys.length * 2).fill(EMPTY);
    this.#values = new Int32Array(keys.length * 2);
    this.#shift--;
    this.#size = 0;
    for (let at = 0; at < keys.length; at++) {
      if (keys[at] !== EMPTY) this.set(keys[at] as number, values[at] as number);
    }
  }
}

const EMPTY = -1;
