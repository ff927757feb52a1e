/**
 * Which of many caches know a conversation, by its first link. A thousand caches asked one by one cost a miss of the
 * processor's own cache each.
 */
export class Knowers<Cache extends object> {
  /** Most conversations are known to one cache only. */
  readonly #known = new Map<number, Cache | Set<Cache>>();

  has(first: number, cache: Cache): boolean {
    const known = this.#known.get(first);
    return known === cache || (known instanceof Set && known.has(cache));
  }

  add(first: number, cache: Cache): void {
    const known = this.#known.get(first);
    if (known === undefined) this.#known.set(first, cache);
    else if (known instanceof Set) known.add(cache);
    else if (known !== cache) this.#known.set(first, new Set([known, cache]));
  }

  delete(first: number, cache: Cache): void {
    const known = this.#known.get(first);
    if (known instanceof Set) known.delete(cache);
    if (known === cache || (known instanceof Set && known.size === 0)) this.#known.delete(first);
  }
}
