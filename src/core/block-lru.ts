/** Which prefixes an engine is believed to hold: chain links, least recently used first, weighted by their tokens. */
export class BlockLru {
  readonly #capacityTokens: number;
  readonly #links = new Map<string, number>();
  #tokens = 0;

  constructor(capacityTokens: number) {
    this.#capacityTokens = capacityTokens;
  }

  /** Links of the longest prefix of `chain` that is held. */
  heldLinks(keys: readonly string[]): number {
    let links = 0;
    for (const key of keys) {
      if (!this.#links.has(key)) break;
      links += 1;
    }
    return links;
  }

  /** Marks a prompt as held; the oldest links make room. Later links of a chain go before earlier ones. */
  insert(keys: readonly string[], linkTokens: Uint32Array): void {
    for (let index = keys.length - 1; index >= 0; index -= 1) {
      const key = keys[index] ?? "";
      const tokens = (linkTokens[index] ?? 0) - (index > 0 ? (linkTokens[index - 1] ?? 0) : 0);
      this.#tokens += tokens - (this.#links.get(key) ?? 0);
      this.#links.delete(key);
      this.#links.set(key, tokens);
    }
    for (const [key, tokens] of this.#links) {
      if (this.#tokens <= this.#capacityTokens) break;
      this.#links.delete(key);
      this.#tokens -= tokens;
    }
  }

  clear(): void {
    this.#links.clear();
    this.#tokens = 0;
  }
}

/** The links of a chain as keys of 16 hex digits. */
export function chainKeys(chain: Uint8Array): string[] {
  const view = new DataView(chain.buffer, chain.byteOffset, chain.byteLength);
  const keys: string[] = [];
  for (let at = 0; at + 8 <= chain.byteLength; at += 8) {
    keys.push(`${view.getUint32(at).toString(36)}.${view.getUint32(at + 4).toString(36)}`);
  }
  return keys;
}
