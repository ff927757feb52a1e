import { LinkTable } from "./link-table.ts";

/**
 * Which of many caches know a conversation, by its first link. A thousand caches asked one by one cost a miss of the
 * processor's own cache each.
 */
export class Knowers {
  #caches = 0;
  /** The number of the one cache that knows it, which is what most conversations have; else `SEVERAL`. */
  readonly #known = new LinkTable();
  readonly #several = new Map<number, Set<number>>();

  /** A number for one more cache. */
  join(): number {
    return ++this.#caches;
  }

  has(first: number, cache: number): boolean {
    const link = this.#known.find(first);
    if (link === 0) return false;
    const known = this.#known.wordOf(link);
    return known === cache || (known === SEVERAL && this.#several.get(first)?.has(cache) === true);
  }

  add(first: number, cache: number): void {
    const link = this.#known.find(first);
    if (link === 0) return this.#known.add(first, cache, 0);
    const known = this.#known.wordOf(link);
    if (known === SEVERAL) this.#several.get(first)?.add(cache);
    if (known === SEVERAL || known === cache) return;
    this.#several.set(first, new Set([known, cache]));
    this.#known.renew(link, SEVERAL, 0);
  }

  delete(first: number, cache: number): void {
    const link = this.#known.find(first);
    const several = this.#several.get(first);
    several?.delete(cache);
    const isLast = several ? several.size === 0 : link > 0 && this.#known.wordOf(link) === cache;
    if (!isLast) return;
    this.#several.delete(first);
    this.#known.remove(link);
  }
}

const SEVERAL = 0;
