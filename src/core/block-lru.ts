/** Keys of a chain, 8 bytes a link. */
export function linkKeys(chain: Uint8Array): BigUint64Array {
  const count = chain.byteLength >> 3;
  const keys = new BigUint64Array(count);
  const view = new DataView(chain.buffer, chain.byteOffset, chain.byteLength);
  for (let i = 0; i < count; i++) keys[i] = view.getBigUint64(i * 8);
  return keys;
}

/**
 * Model of an engine's prefix cache: chain links weighted in tokens, least recently used out first. A link is always
 * older than the links it continues, so that tails leave before the prefixes they need.
 */
export class BlockLru {
  #tokens = 0;
  readonly #weights = new Map<bigint, number>();

  /** Tokens held in all. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Tokens of the longest prefix of a chain that is held; `linkTokens` counts up to and including each link. */
  heldTokens(keys: BigUint64Array, linkTokens: Uint32Array): number {
    // Whoever holds a link holds the links before it, so the end of the run is found by halving.
    let held = 0;
    let missing = Math.min(keys.length, linkTokens.length);
    while (held < missing) {
      const middle = (held + missing) >> 1;
      if (this.#has(keys, middle)) held = middle + 1;
      else missing = middle;
    }
    return held === 0 ? 0 : (linkTokens[held - 1] ?? 0);
  }

  /** True when the chain's first link is held: the index knows something of this conversation. */
  knows(keys: BigUint64Array): boolean {
    return keys.length > 0 && this.#has(keys, 0);
  }

  /** Marks a chain as just used, adding what is missing, and evicts down to `capacityTokens`. */
  insert(keys: BigUint64Array, linkTokens: Uint32Array, capacityTokens: number): void {
    for (let i = Math.min(keys.length, linkTokens.length) - 1; i >= 0; i--) {
      const key = keys[i];
      if (key === undefined) continue;
      const weight = (linkTokens[i] ?? 0) - (i === 0 ? 0 : (linkTokens[i - 1] ?? 0));
      this.#remove(key);
      this.#weights.set(key, weight);
      this.#tokens += weight;
    }
    this.shrink(capacityTokens);
  }

  /** Evicts the least recently used links until at most `capacityTokens` are held. */
  shrink(capacityTokens: number): void {
    if (this.#tokens <= capacityTokens) return;
    for (const key of this.#weights.keys()) {
      this.#remove(key);
      if (this.#tokens <= capacityTokens) return;
    }
  }

  /** Forgets the links of a chain that lie beyond its first `tokens` tokens. */
  forget(keys: BigUint64Array, linkTokens: Uint32Array, tokens = 0): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key !== undefined && (linkTokens[i] ?? 0) > tokens) this.#remove(key);
    }
  }

  /** Forgets everything: the engine restarted. */
  clear(): void {
    this.#weights.clear();
    this.#tokens = 0;
  }

  #has(keys: BigUint64Array, index: number): boolean {
    const key = keys[index];
    return key !== undefined && this.#weights.has(key);
  }

  #remove(key: bigint): void {
    const weight = this.#weights.get(key);
    if (weight === undefined) return;
    this.#weights.delete(key);
    this.#tokens -= weight;
  }
}
