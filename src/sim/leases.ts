import type { BlockCache } from "./blocks.ts";
import type { BlockHash, Held } from "./hash.ts";
import type { Sequence } from "./sequence.ts";

/** How long a finished prefill leg keeps its blocks for whoever has the handle. */
export const LEASE_MS = 30_000;

export type Lease = {
  readonly handle: string;
  readonly held: Held;
  /** Its full blocks as the cache knows them. */
  readonly names: readonly BlockHash[];
  readonly expiresAt: number;
  /** Decode legs that are waiting for, or reading, the blocks: while there are any, it does not expire. */
  readers: number;
};

/** Blocks held for decode legs that have yet to fetch them. */
export class LeaseTable {
  readonly #leases = new Map<string, Lease>();

  add(lease: Omit<Lease, "readers">): void {
    this.#leases.set(lease.handle, { ...lease, readers: 0 });
  }

  /** A decode leg announces itself; undefined when nothing (any more) is held under `handle`. */
  open(handle: string, isMeant: (held: Held) => boolean): Lease | undefined {
    const lease = this.#leases.get(handle);
    if (!lease || !isMeant(lease.held)) return undefined;
    lease.readers++;
    return lease;
  }

  /** Who announced itself will not read: the lease goes on as if nobody had. */
  leave(handle: string): void {
    const lease = this.#leases.get(handle);
    if (lease && lease.readers > 0) lease.readers--;
  }

  /** Ends a lease: it was taken, or let go. */
  remove(handle: string): Lease | undefined {
    const lease = this.#leases.get(handle);
    this.#leases.delete(handle);
    return lease;
  }

  /** Removes and returns what has run out by `atMs`. */
  expire(atMs: number): Lease[] {
    const over = [...this.#leases.values()].filter(
      (lease) => lease.readers === 0 && lease.expiresAt <= atMs,
    );
    for (const lease of over) this.#leases.delete(lease.handle);
    return over;
  }

  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const lease of this.#leases.values()) {
      if (lease.readers === 0 && (next === undefined || lease.expiresAt < next)) {
        next = lease.expiresAt;
      }
    }
    return next;
  }

  /** Blocks held under leases, a partly filled last one included. */
  get blocks(): number {
    let blocks = 0;
    for (const { held } of this.#leases.values()) blocks += blocksOf(held);
    return blocks;
  }

  /** Of those, blocks that a decode leg reads or waits for. */
  get fetchedBlocks(): number {
    let blocks = 0;
    for (const { held, readers } of this.#leases.values())
      if (readers > 0) blocks += blocksOf(held);
    return blocks;
  }
}

/** Blocks that a sequence occupies. */
export function blocksOf(held: Held): number {
  return held.blocks.length + (held.tail.length > 0 ? 1 : 0);
}

/** What a finished request keeps for others, taken out of the cache; nothing when it was not asked to. */
export function leaseOf(
  sequence: Sequence,
  cache: BlockCache,
  atMs: number,
): Omit<Lease, "readers"> | undefined {
  const { leaseAs: handle, leases = "prompt", leaseMs = LEASE_MS } = sequence.request;
  if (handle === undefined) return undefined;
  const held = sequence[leases];
  const names = sequence.namesOf(held);
  cache.share(names);
  // The part-filled last block is not shared by name; it stays reserved until the lease ends.
  if (held.tail.length > 0) cache.keepUnnamed(1);
  return { handle, held, names, expiresAt: atMs + leaseMs };
}

/** Gives the blocks of a lease that has ended back to the cache. */
export function freeLease({ held, names }: Lease, cache: BlockCache): void {
  cache.release(names, blocksOf(held) - names.length);
}
