import { Knowers } from "./knowers.ts";
import { IS_END, IS_FIRST, type KeptLink, LinkTable, weightOf, wordOf } from "./link-table.ts";
import { RunTable } from "./run-table.ts";

/** First links of evicted conversations that are remembered, at most. */
const MOST_GHOSTS = 4096;

/**
 * Model of an engine's prefix cache: chain links weighted in tokens, least recently used out first. A link is always
 * older than the links it continues, so that tails leave before the prefixes they need.
 */
export class BlockLru {
  /** Tokens that had to leave for others since it was made. */
  evictedTokens = 0;
  #tokens = 0;
  /** The chain that was asked for last, and how much of it is held: one request asks several times. */
  #asked: Float64Array | undefined;
  #askedHeld = 0;
  #links = new LinkTable();
  /** Uses of the cache that still have links in it, oldest first. */
  #runs = new RunTable();
  /** Links that are still being computed, and when they will have been, ms. */
  readonly #pending = new Map<number, number>();
  readonly #ghosts = new Set<number>();
  readonly #knowers: Knowers;
  /** Among them. */
  readonly #number: number;

  /** Caches that are asked one after another about the same chains share their `knowers`. */
  constructor(knowers = new Knowers()) {
    this.#knowers = knowers;
    this.#number = knowers.join();
  }

  /** Tokens held in all. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Links held in all. */
  get size(): number {
    return this.#links.size;
  }

  /** First links of evicted conversations that are remembered, oldest first. */
  get evicted(): Iterable<number> {
    return this.#ghosts;
  }

  /** Tells of every link but the `skipped` that would leave first, in the order in which they would. */
  each(visit: (link: KeptLink) => void, skipped = 0): void {
    const links = this.#links;
    let left = skipped;
    for (let link = links.oldest; link > 0; link = links.after(link)) {
      if (left-- > 0) continue;
      const word = links.wordOf(link);
      visit({
        key: links.keyOf(link),
        weight: weightOf(word),
        at: this.#atOf(link),
        isFirst: (word & IS_FIRST) > 0,
        isEnd: (word & IS_END) > 0,
      });
    }
  }

  /** Adds a link that `each` told of, in the same order, behind everything that is held. */
  keep({ key, weight, at, isFirst, isEnd }: KeptLink): void {
    if (this.#links.find(key) > 0) return;
    const { newest } = this.#runs;
    const run = newest > 0 && this.#runs.atOf(newest) === at ? newest : this.#runs.begin(at);
    this.#links.add(key, wordOf(weight, isFirst, isEnd), run);
    if (isFirst) this.#knowers.add(key, this.#number);
    this.#enter(run, weight);
  }

  /** Remembers the first link of a conversation that was evicted. */
  remember(key: number): void {
    this.#ghosts.delete(key);
    this.#ghosts.add(key);
    this.#knowers.add(key, this.#number);
    if (this.#ghosts.size <= MOST_GHOSTS) return;
    const [oldest] = this.#ghosts;
    if (oldest === undefined) return;
    this.#ghosts.delete(oldest);
    this.#forgetFirst(oldest);
  }

  /** Tokens of the longest prefix of a chain that is held; `linkTokens` counts up to and including each link. */
  heldTokens(keys: Float64Array, linkTokens: Uint32Array): number {
    const held = this.#heldLinks(keys, linkTokens);
    return held === 0 ? 0 : (linkTokens[held - 1] ?? 0);
  }

  /** True when the chain's first link is held or was evicted here: nobody knows more of this conversation. */
  knows(keys: Float64Array): boolean {
    const first = keys[0];
    return first !== undefined && this.#knowers.has(first, this.#number);
  }

  /** The same of what is in use beyond `nowMs`: of running legs, which cannot be evicted. */
  runningTokens(keys: Float64Array, linkTokens: Uint32Array, nowMs: number): number {
    let running = this.#heldLinks(keys, linkTokens);
    while (running > 0 && this.#atOf(this.#links.find(keys[running - 1] as number)) <= nowMs) {
      running--;
    }
    return running === 0 ? 0 : (linkTokens[running - 1] ?? 0);
  }

  /** The same of what has been computed by `nowMs`. */
  readyTokens(keys: Float64Array, linkTokens: Uint32Array, nowMs: number): number {
    let ready = this.#heldLinks(keys, linkTokens);
    while (ready > 0 && (this.#pending.get(keys[ready - 1] as number) ?? 0) > nowMs) ready--;
    return ready === 0 ? 0 : (linkTokens[ready - 1] ?? 0);
  }

  /**
   * Marks a chain as just used, adding what is missing, and evicts down to `capacityTokens`. What is missing is computed
   * by `readyAt`; without that, all of the chain has been.
   */
  insert(
    keys: Float64Array,
    linkTokens: Uint32Array,
    capacityTokens: number,
    nowMs: number,
    readyAt = -Infinity,
  ): void {
    const links = this.#links;
    const run = this.#runs.begin(nowMs);
    const last = Math.min(keys.length, linkTokens.length) - 1;
    for (let i = last; i >= 0; i--) {
      const key = keys[i] as number;
      const weight = (linkTokens[i] ?? 0) - (i === 0 ? 0 : (linkTokens[i - 1] ?? 0));
      const link = links.find(key);
      // Before it leaves the use it was part of, which a key that stands twice here finds to be this one.
      this.#enter(run, weight);
      if (link === 0) {
        links.add(key, wordOf(weight, i === 0, i === last), run);
        if (readyAt > -Infinity) this.#pending.set(key, readyAt);
      } else {
        const word = links.wordOf(link);
        this.#leave(link);
        const isEnd = i === last || (word & IS_END) > 0;
        links.renew(link, wordOf(weight, i === 0 || (word & IS_FIRST) > 0, isEnd), run);
        this.#computedBy(key, readyAt);
      }
    }
    if (last < 0) this.#runs.drop(run);
    else this.#knowers.add(keys[0] as number, this.#number);
    if (keys[0] !== undefined) this.#ghosts.delete(keys[0]);
    this.shrink(capacityTokens);
  }

  /** True when the held part of a chain is a whole prompt of before, rather than what eviction left of one. */
  holdsWhole(keys: Float64Array, linkTokens: Uint32Array): boolean {
    const link = this.#deepest(keys, linkTokens);
    return link > 0 && (this.#links.wordOf(link) & IS_END) > 0;
  }

  /** When the deepest held link of a chain was last used, ms; undefined when none is held. */
  usedAt(keys: Float64Array, linkTokens: Uint32Array): number | undefined {
    const link = this.#deepest(keys, linkTokens);
    return link > 0 ? this.#atOf(link) : undefined;
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
    const deepest = held === 0 ? 0 : this.#links.find(keys[held - 1] as number);
    const own = deepest === 0 ? 0 : this.#links.runOf(deepest);
    const over = this.#tokens + tokens - capacityTokens - (linkTokens[held - 1] ?? 0);
    return this.#runs.weigh(over, own, (at) => worth(nowMs - at));
  }

  /** True when evicting down to `capacityTokens` takes from a use of the cache at `sinceMs` or later. */
  evictsSince(capacityTokens: number, sinceMs: number): boolean {
    return this.#runs.takesSince(this.#tokens - capacityTokens, sinceMs);
  }

  /** Evicts the least recently used links until at most `capacityTokens` are held. */
  shrink(capacityTokens: number): void {
    const links = this.#links;
    while (this.#tokens > capacityTokens && links.oldest > 0) {
      const link = links.oldest;
      const word = links.wordOf(link);
      if ((word & IS_FIRST) > 0) this.remember(links.keyOf(link));
      this.evictedTokens += weightOf(word);
      this.#remove(link);
    }
  }

  /** Forgets the links of a chain that lie beyond its first `tokens` tokens. */
  forget(keys: Float64Array, linkTokens: Uint32Array, tokens = 0): void {
    for (let i = 0; i < keys.length; i++) {
      const link = (linkTokens[i] ?? 0) > tokens ? this.#links.find(keys[i] as number) : 0;
      if (link > 0) this.#remove(link);
    }
  }

  /** Forgets everything: the engine restarted. */
  clear(): void {
    const firsts: number[] = [];
    this.each(({ key, isFirst }) => isFirst && firsts.push(key));
    this.#links = new LinkTable();
    this.#runs = new RunTable();
    this.#pending.clear();
    this.#tokens = 0;
    this.#asked = undefined;
    for (const first of firsts) this.remember(first);
  }

  /** As it was made. */
  reset(): void {
    this.clear();
    for (const first of this.#ghosts) this.#knowers.delete(first, this.#number);
    this.#ghosts.clear();
  }

  #heldLinks(keys: Float64Array, linkTokens: Uint32Array): number {
    if (keys !== this.#asked) this.#askedHeld = this.#findHeld(keys, linkTokens);
    this.#asked = keys;
    return this.#askedHeld;
  }

  /** Whoever holds a link holds the links before it, so the end of the run is found by halving. */
  #findHeld(keys: Float64Array, linkTokens: Uint32Array): number {
    const first = keys[0];
    if (first === undefined || !this.#knowers.has(first, this.#number)) return 0;
    if (this.#links.find(first) === 0) return 0;
    let held = 1;
    let missing = Math.min(keys.length, linkTokens.length);
    while (held < missing) {
      const middle = (held + missing) >> 1;
      if (this.#links.find(keys[middle] as number) > 0) held = middle + 1;
      else missing = middle;
    }
    return held;
  }

  /** The deepest link of a chain that is held; 0 when none is. */
  #deepest(keys: Float64Array, linkTokens: Uint32Array): number {
    const held = this.#heldLinks(keys, linkTokens);
    return held === 0 ? 0 : this.#links.find(keys[held - 1] as number);
  }

  #atOf(link: number): number {
    return this.#runs.atOf(this.#links.runOf(link));
  }

  #enter(run: number, weight: number): void {
    this.#runs.enter(run, weight);
    this.#tokens += weight;
    this.#asked = undefined;
  }

  /** Takes a link out of the use of the cache that it was part of. */
  #leave(link: number): void {
    const weight = weightOf(this.#links.wordOf(link));
    this.#runs.leave(this.#links.runOf(link), weight);
    this.#tokens -= weight;
  }

  #remove(link: number): void {
    this.#asked = undefined;
    this.#leave(link);
    const key = this.#links.keyOf(link);
    const isFirst = (this.#links.wordOf(link) & IS_FIRST) > 0;
    if (this.#pending.size > 0) this.#pending.delete(key);
    this.#links.remove(link);
    if (isFirst) this.#forgetFirst(key);
  }

  /** Nothing is known of a conversation any more, unless its first link is held or remembered still. */
  #forgetFirst(key: number): void {
    if (this.#links.find(key) === 0 && !this.#ghosts.has(key))
      this.#knowers.delete(key, this.#number);
  }

  /** A held link that is computed once more; whoever is done first counts. */
  #computedBy(key: number, readyAt: number): void {
    const pending = this.#pending.get(key);
    if (pending === undefined || pending <= readyAt) return;
    if (readyAt === -Infinity) this.#pending.delete(key);
    else this.#pending.set(key, readyAt);
  }
}
