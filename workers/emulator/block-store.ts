import { isRecord } from "../../src/sim/tokens.ts";

/** Blocks that several engines share, by name; when it is full, the least recently used go. */
export class BlockStore {
  readonly #capacity: number;
  readonly #blocks = new Map<string, number>();
  #bytes = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Answers an engine's object: how many leading blocks there are, or were before it put its own. */
  meet(message: unknown): number | undefined {
    const known = readStoreMessage(message);
    if (!known) return undefined;
    const names = known.hashes.map((hash) => `${known.space}/${hash}`);
    const missing = names.findIndex((name) => !this.#blocks.has(name));
    const leading = missing === -1 ? names.length : missing;
    // Last block first, so that a prefix outlives what follows it.
    const used = known.kind === "put" ? names : names.slice(0, leading);
    for (const name of used.toReversed()) this.#use(name, known.blockBytes);
    return leading;
  }

  #use(name: string, bytes: number): void {
    this.#bytes += bytes - (this.#blocks.get(name) ?? 0);
    this.#blocks.delete(name);
    this.#blocks.set(name, bytes);
    while (this.#bytes > this.#capacity) {
      const [oldest] = this.#blocks;
      if (!oldest) return;
      this.#blocks.delete(oldest[0]);
      this.#bytes -= oldest[1];
    }
  }
}

export type StoreMessage = {
  readonly kind: "find" | "put";
  /** Blocks of another layout, model or salt are others, whatever their hash. */
  readonly space: string;
  readonly hashes: readonly string[];
  readonly blockBytes: number;
};

function readStoreMessage(message: unknown): StoreMessage | undefined {
  const isKnown = isRecord(message) && (message["kind"] === "find" || message["kind"] === "put");
  return isKnown ? (message as StoreMessage) : undefined;
}
