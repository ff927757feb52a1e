import type { BlockHash } from "./hash.ts";

/** How long bringing a prefix up from lower tiers takes, and how much of it there is. */
export type Match = {
  /** Leading blocks held in any tier. */
  readonly blocks: number;
  /** By the bandwidth of the tier that each block is in. */
  readonly loadMs: number;
};

export type LowerTier = { readonly blocks: number; readonly msPerBlock: number };

/** A block that came to be held, or is in no tier any more. */
export type BlockChange =
  | ({ readonly kind: "stored"; readonly hash: BlockHash } & BlockContent)
  | { readonly kind: "removed"; readonly hash: BlockHash };

export type BlockContent = {
  /** The block before it; undefined for the first. */
  readonly parent: BlockHash | undefined;
  readonly tokens: readonly number[];
};

/** Changes remembered at most; older ones are lost. */
const CHANGES_KEPT = 10_000;

/** Entries remembered per lower tier at most; larger tiers act as if they were this large. */
const LOWER_TIER_MAX = 100_000;

/**
 * KV blocks of one engine. A block in use has references; one without waits in least-recently-used order until its
 * room is needed, then moves down a tier.
 */
export class BlockCache {
  readonly capacity: number;
  readonly #used = new Map<BlockHash, number>();
  readonly #idle = new Set<BlockHash>();
  readonly #lower: { readonly tier: LowerTier; readonly held: Set<BlockHash> }[];
  #changes: BlockChange[] | undefined;
  #unnamed = 0;
  #loadingUntil = 0;

  constructor(capacity: number, lower: readonly LowerTier[]) {
    this.capacity = capacity;
    this.#lower = lower.map((tier) => ({ tier, held: new Set<BlockHash>() }));
  }

  /** Blocks that requests or leases hold, unnamed ones included. */
  get held(): number {
    return this.#used.size + this.#unnamed;
  }

  /** Blocks with content, in use or not. */
  get filled(): number {
    return this.held + this.#idle.size;
  }

  has(hash: BlockHash): boolean {
    return this.#used.has(hash) || this.#idle.has(hash);
  }

  /** The longest prefix of `hashes` held, at most `limit` blocks. */
  match(hashes: readonly BlockHash[], limit: number): Match {
    let loadMs = 0;
    let blocks = 0;
    for (const hash of hashes.slice(0, limit)) {
      if (!this.has(hash)) {
        const lower = this.#lower.find(({ held }) => held.has(hash));
        if (!lower) break;
        loadMs += lower.tier.msPerBlock;
      }
      blocks++;
    }
    return { blocks, loadMs };
  }

  /** When all of a match is in the first tier: what is brought up at the same time comes one after the other. */
  loadedAt({ loadMs }: Match, atMs: number): number {
    if (loadMs === 0) return atMs;
    this.#loadingUntil = Math.max(this.#loadingUntil, atMs) + loadMs;
    return this.#loadingUntil;
  }

  /**
   * Takes references on `hashes` (those not in the first tier get room there) and room for `fresh` more, still
   * unnamed, blocks; false, and nothing taken, when they do not fit.
   */
  take(hashes: readonly BlockHash[], fresh: number): boolean {
    const waking = hashes.filter((hash) => this.#idle.has(hash)).length;
    const coming = hashes.filter((hash) => !this.has(hash)).length;
    if (this.held + waking + coming + fresh > this.capacity) return false;
    for (const hash of hashes) if (this.has(hash)) this.#refer(hash);
    this.#evictFor(coming + fresh);
    for (const hash of hashes.filter((hash) => !this.#used.has(hash))) this.#refer(hash);
    this.#unnamed += fresh;
    return true;
  }

  /** One unnamed block is now full and has a name; a twin already there is shared instead. */
  name(hash: BlockHash, content?: () => BlockContent): void {
    if (this.#changes && content && this.match([hash], 1).blocks === 0) {
      this.#change({ kind: "stored", hash, ...content() });
    }
    this.#unnamed--;
    this.#refer(hash);
  }

  /** From now on remembers what changes. */
  recordChanges(): void {
    this.#changes ??= [];
  }

  /** What changed since it was last asked, in order. */
  takeChanges(): BlockChange[] {
    return this.#changes?.splice(0) ?? [];
  }

  /** Adds a reference to blocks that are in use. */
  share(hashes: readonly BlockHash[]): void {
    for (const hash of hashes) this.#refer(hash);
  }

  /** Keeps `count` unnamed blocks for another holder when theirs gives its own back. */
  keepUnnamed(count: number): void {
    this.#unnamed += count;
  }

  /** Gives references back, last block first so that a prefix outlives what follows it. */
  release(hashes: readonly BlockHash[], unnamed: number): void {
    this.#unnamed -= unnamed;
    for (const hash of hashes.toReversed()) {
      const references = (this.#used.get(hash) ?? 1) - 1;
      if (references > 0) this.#used.set(hash, references);
      else if (this.#used.delete(hash)) this.#idle.add(hash);
    }
  }

  #refer(hash: BlockHash): void {
    this.#idle.delete(hash);
    for (const { held } of this.#lower) held.delete(hash);
    this.#used.set(hash, (this.#used.get(hash) ?? 0) + 1);
  }

  #evictFor(coming: number): void {
    while (this.filled + coming > this.capacity) {
      const [oldest] = this.#idle;
      if (oldest === undefined) return;
      this.#idle.delete(oldest);
      this.#demote(oldest, 0);
    }
  }

  #demote(hash: BlockHash, level: number): void {
    const lower = this.#lower[level];
    if (!lower) return this.#change({ kind: "removed", hash });
    lower.held.add(hash);
    if (lower.held.size <= Math.min(lower.tier.blocks, LOWER_TIER_MAX)) return;
    const [oldest] = lower.held;
    if (oldest === undefined) return;
    lower.held.delete(oldest);
    this.#demote(oldest, level + 1);
  }

  #change(change: BlockChange): void {
    if (!this.#changes) return;
    this.#changes.push(change);
    if (this.#changes.length > CHANGES_KEPT) this.#changes.shift();
  }
}
