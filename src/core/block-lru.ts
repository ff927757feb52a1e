/** Keys of a chain, 8 bytes a link, of which a number holds 53 bits. They stand for nothing but themselves. */
export function linkKeys(chain: Uint8Array): Float64Array {
  if (last?.chain !== chain) last = { chain, keys: keysOf(chain) };
  return last.keys;
}

/** One plan asks for the keys of one chain pool after pool. */
let last: { readonly chain: Uint8Array; readonly keys: Float64Array } | undefined;

function keysOf(chain: Uint8Array): Float64Array {
  const { buffer, byteOffset, byteLength } = chain;
  const view = new DataView(buffer, byteOffset, byteLength);
  const keys = new Float64Array(byteLength >> 3);
  for (let at = 0; at < keys.length; at++) {
    const low = view.getUint32(at * 8, true);
    keys[at] = view.getUint32(at * 8 + 4, true) * 2 ** 21 + ((low ^ (low >>> 11)) & 0x1fffff);
  }
  return keys;
}

/** Links touched together, oldest first in the cache. */
type Run = { readonly at: number; tokens: number };
type HeldLink = {
  weight: number;
  run: Run;
  /** When it will have been computed, ms. */
  readyAt: number;
  readonly isFirst: boolean;
  /** The last link of the chain it came with: what was generated followed it. */
  isEnd: boolean;
};

/** First links of evicted conversations that are remembered, at most. */
const MOST_GHOSTS = 4096;

/**
 * Model of an engine's prefix cache: chain links weighted in tokens, least recently used out first. A link is always
 * older than the links it continues, so that tails leave before the prefixes they need.
 */
export class BlockLru {
  #tokens = 0;
  readonly #links = new Map<number, HeldLink>();
  /** Uses of the cache that still have links in it, oldest first. */
  readonly #runs = new Set<Run>();
  readonly #ghosts = new Set<number>();

  /** Tokens held in all. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Tokens of the longest prefix of a chain that is held; `linkTokens` counts up to and including each link. */
  heldTokens(keys: Float64Array, linkTokens: Uint32Array): number {
    const held = this.#heldLinks(keys, linkTokens);
    return held === 0 ? 0 : (linkTokens[held - 1] ?? 0);
  }

  /** True when the chain's first link is held or was evicted here: nobody knows more of this conversation. */
  knows(keys: Float64Array): boolean {
    if (this.#links.size === 0 && this.#ghosts.size === 0) return false;
    const first = keys[0];
    return first !== undefined && (this.#links.has(first) || this.#ghosts.has(first));
  }

  /** The same of what has been computed by `nowMs`. */
  readyTokens(keys: Float64Array, linkTokens: Uint32Array, nowMs: number): number {
    let ready = this.#heldLinks(keys, linkTokens);
    while (ready > 0 && (this.#links.get(keys[ready - 1] as number)?.readyAt ?? 0) > nowMs) ready--;
    return ready === 0 ? 0 : (linkTokens[ready - 1] ?? 0);
  }

  /**
   * Marks a chain as just used, adding what is missing, which is computed by `readyAt`, and evicts down to
   * `capacityTokens`.
   */
  insert(
    keys: Float64Array,
    linkTokens: Uint32Array,
    capacityTokens: number,
    nowMs: number,
    readyAt = -Infinity,
  ): void {
    const run: Run = { at: nowMs, tokens: 0 };
    const last = Math.min(keys.length, linkTokens.length) - 1;
    for (let i = last; i >= 0; i--) {
      const key = keys[i];
      if (key === undefined) continue;
      const weight = (linkTokens[i] ?? 0) - (i === 0 ? 0 : (linkTokens[i - 1] ?? 0));
      const link = this.#links.get(key);
      if (link === undefined) {
        this.#links.set(key, { weight, run, readyAt, isFirst: i === 0, isEnd: i === last });
      } else {
        this.#take(key, link);
        link.weight = weight;
        link.run = run;
        link.readyAt = Math.min(link.readyAt, readyAt);
        link.isEnd ||= i === last;
        this.#links.set(key, link);
      }
      this.#tokens += weight;
      run.tokens += weight;
    }
    if (run.tokens > 0) this.#runs.add(run);
    if (keys[0] !== undefined) this.#ghosts.delete(keys[0]);
    this.shrink(capacityTokens);
  }

  /** True when the held part of a chain is a whole prompt of before, rather than what eviction left of one. */
  holdsWhole(keys: Float64Array, linkTokens: Uint32Array): boolean {
    return this.#deepest(keys, linkTokens)?.isEnd === true;
  }

  /** When the deepest held link of a chain was last used, ms; undefined when none is held. */
  usedAt(keys: Float64Array, linkTokens: Uint32Array): number | undefined {
    return this.#deepest(keys, linkTokens)?.run.at;
  }

  /**
   * Tokens of others that would be evicted by bringing a chain of `tokens` in, each use of the cache multiplied by what
   * `worth` says of its age in ms.
   */
  displaced(
    keys: Float64Array,
    linkTokens: Uint32Array,
    tokens: number,
    capacityTokens: number,
    nowMs: number,
    worth: (idleMs: number) => number,
  ): number {
    if (this.#tokens + tokens <= capacityTokens) return 0;
    const held = this.#heldLinks(keys, linkTokens);
    const deepest = held === 0 ? undefined : keys[held - 1];
    const own = deepest === undefined ? undefined : this.#links.get(deepest)?.run;
    let over = this.#tokens + tokens - capacityTokens - (linkTokens[held - 1] ?? 0);
    let sum = 0;
    for (const run of this.#runs) {
      if (over <= 0) break;
      if (run === own) continue;
      const leaving = Math.min(over, run.tokens);
      sum += leaving * worth(nowMs - run.at);
      over -= leaving;
    }
    return sum;
  }

  /** True when evicting down to `capacityTokens` takes from a use of the cache at `sinceMs` or later. */
  evictsSince(capacityTokens: number, sinceMs: number): boolean {
    let over = this.#tokens - capacityTokens;
    for (const run of this.#runs) {
      if (over <= 0) return false;
      if (run.at >= sinceMs) return true;
      over -= run.tokens;
    }
    return false;
  }

  /** Evicts the least recently used links until at most `capacityTokens` are held. */
  shrink(capacityTokens: number): void {
    if (this.#tokens <= capacityTokens) return;
    for (const [key, link] of this.#links) {
      this.#take(key, link);
      if (link.isFirst) this.#remember(key);
      if (this.#tokens <= capacityTokens) return;
    }
  }

  /** Forgets the links of a chain that lie beyond its first `tokens` tokens. */
  forget(keys: Float64Array, linkTokens: Uint32Array, tokens = 0): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key !== undefined && (linkTokens[i] ?? 0) > tokens) this.#remove(key);
    }
  }

  /** Forgets everything: the engine restarted. */
  clear(): void {
    for (const [key, { isFirst }] of this.#links) if (isFirst) this.#remember(key);
    this.#links.clear();
    this.#runs.clear();
    this.#tokens = 0;
  }

  /** Whoever holds a link holds the links before it, so the end of the run is found by halving. */
  #heldLinks(keys: Float64Array, linkTokens: Uint32Array): number {
    const first = keys[0];
    if (first === undefined || !this.#links.has(first)) return 0;
    let held = 1;
    let missing = Math.min(keys.length, linkTokens.length);
    while (held < missing) {
      const middle = (held + missing) >> 1;
      const key = keys[middle];
      if (key !== undefined && this.#links.has(key)) held = middle + 1;
      else missing = middle;
    }
    return held;
  }

  #deepest(keys: Float64Array, linkTokens: Uint32Array): HeldLink | undefined {
    const key = keys[this.#heldLinks(keys, linkTokens) - 1];
    return key === undefined ? undefined : this.#links.get(key);
  }

  #remove(key: number): void {
    const link = this.#links.get(key);
    if (link !== undefined) this.#take(key, link);
  }

  #take(key: number, link: HeldLink): void {
    this.#links.delete(key);
    this.#tokens -= link.weight;
    link.run.tokens -= link.weight;
    if (link.run.tokens <= 0) this.#runs.delete(link.run);
  }

  #remember(key: number): void {
    this.#ghosts.delete(key);
    this.#ghosts.add(key);
    if (this.#ghosts.size <= MOST_GHOSTS) return;
    const [oldest] = this.#ghosts;
    if (oldest !== undefined) this.#ghosts.delete(oldest);
  }
}
