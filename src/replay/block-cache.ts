import { heldPrefix } from "./held-prefix.ts";
import { IntTable } from "./int-table.ts";

/** Told of every block that enters or leaves a cache. */
export type CacheWatcher = (block: number, isHeld: boolean) => void;

/**
 * KV blocks of one engine, as `sim/blocks.ts` keeps them, with integers for names: a block in use has references, one
 * without waits in least-recently-used order until its room is needed. Whoever holds a block holds those before it.
 */
export class FastBlockCache {
  readonly capacity: number;
  readonly #slots: IntTable;
  readonly #names: Int32Array;
  readonly #references: Int32Array;
  /** Idle slots, oldest after the head; the head is slot `capacity`. Free slots are chained by `#next` alone. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #free: number;
  #used = 0;
  #unnamed = 0;
  readonly #watcher: CacheWatcher | undefined;

  constructor(capacity: number, watcher?: CacheWatcher) {
    this.capacity = capacity;
    this.#slots = new IntTable(capacity);
    this.#names = new Int32Array(capacity);
    this.#references = new Int32Array(capacity);
    this.#next = new Int32Array(capacity + 1);
    this.#previous = new Int32Array(capacity + 1);
    this.#watcher = watcher;
    this.#free = capacity > 0 ? 0 : NONE;
    this.#unchain();
  }

  /** Blocks that requests hold, unnamed ones included. */
  get held(): number {
    return this.#used + this.#unnamed;
  }

  /** Blocks that can be found, in use or not. */
  get named(): number {
    return this.#slots.size;
  }

  /** Blocks with content, in use or not. */
  get filled(): number {
    return this.#slots.size + this.#unnamed;
  }

  /** How many of the first `limit` blocks are held. */
  match(blocks: Int32Array, limit: number): number {
    return heldPrefix(this.#slots, blocks, limit);
  }

  /** Takes references on the first `count` blocks, all held, and room for `fresh` more; false, and nothing taken, when they do not fit. */
  take(blocks: Int32Array, count: number, fresh: number): boolean {
    if (this.held + fresh > this.capacity) return false;
    let waking = 0;
    for (let i = 0; i < count; i++) {
      if (this.#references[this.#slots.get(blocks[i] as number)] === 0) waking++;
    }
    if (this.held + waking + fresh > this.capacity) return false;
    for (let i = 0; i < count; i++) this.#refer(this.#slots.get(blocks[i] as number));
    while (this.filled + fresh > this.capacity) this.#evict();
    this.#unnamed += fresh;
    return true;
  }

  /** One unnamed block is now full and has a name; a twin already there is shared instead. */
  name(block: number): void {
    this.#unnamed--;
    const known = this.#slots.get(block);
    if (known >= 0) return this.#refer(known);
    const slot = this.#free;
    this.#free = this.#next[slot] as number;
    this.#names[slot] = block;
    this.#references[slot] = 1;
    this.#used++;
    this.#slots.set(block, slot);
    this.#watcher?.(block, true);
  }

  /** Gives references back, last block first so that a prefix outlives what follows it. */
  release(blocks: Int32Array, count: number, unnamed: number): void {
    this.#unnamed -= unnamed;
    for (let i = count - 1; i >= 0; i--) {
      const slot = this.#slots.get(blocks[i] as number);
      const left = (this.#references[slot] as number) - 1;
      this.#references[slot] = left;
      if (left > 0) continue;
      this.#used--;
      this.#append(slot);
    }
  }

  /** The process died: everything is gone. */
  clear(): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      const block = this.#names[slot] as number;
      if (this.#slots.get(block) === slot) this.#watcher?.(block, false);
    }
    this.#slots.clear();
    this.#used = 0;
    this.#unnamed = 0;
    this.#free = this.capacity > 0 ? 0 : NONE;
    this.#unchain();
  }

  #unchain(): void {
    const head = this.capacity;
    for (let slot = 0; slot < head; slot++) this.#next[slot] = slot + 1 < head ? slot + 1 : NONE;
    this.#next[head] = head;
    this.#previous[head] = head;
  }

  #refer(slot: number): void {
    if (this.#references[slot] === 0) {
      this.#unlink(slot);
      this.#used++;
    }
    this.#references[slot] = (this.#references[slot] as number) + 1;
  }

  #append(slot: number): void {
    const head = this.capacity;
    const newest = this.#previous[head] as number;
    this.#next[newest] = slot;
    this.#previous[slot] = newest;
    this.#next[slot] = head;
    this.#previous[head] = slot;
  }

  #unlink(slot: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #evict(): void {
    const oldest = this.#next[this.capacity] as number;
    const block = this.#names[oldest] as number;
    this.#unlink(oldest);
    this.#slots.delete(block);
    this.#next[oldest] = this.#free;
    this.#free = oldest;
    this.#watcher?.(block, false);
  }
}

const NONE = -1;
