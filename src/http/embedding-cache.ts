import { ByteLru } from "../core/byte-lru.ts";

/**
 * Whole answers to embeddings, by tenant and everything it asked, for as long as an isolate lives. Nothing of it is found
 * by another tenant.
 */
export class EmbeddingCache {
  readonly #kept: ByteLru<Kept>;

  constructor(maxBytes: number) {
    this.#kept = new ByteLru(maxBytes);
  }

  /** The same answer as to the same request before, or `make`'s; `phaseway-cache` tells which. Errors are not kept. */
  async answer(
    { tenant, labels, bytes }: EmbeddingAsk,
    make: () => Promise<Response>,
  ): Promise<Response> {
    const name = `${tenant}\n${labels}\n${await digest(bytes)}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined) return answerOf(kept, "hit");
    const made = await make();
    if (made.status !== 200) return made;
    const body = await made.arrayBuffer();
    const headers = [...made.headers];
    const lasting = headers.filter(([header]) => LASTING.has(header));
    this.#kept.set(name, { body, headers: lasting }, body.byteLength + OVERHEAD_BYTES);
    return answerOf({ body, headers }, "miss");
  }
}

export type EmbeddingAsk = {
  readonly tenant: string;
  /** Those that the caller overrode, as JSON. */
  readonly labels: string;
  readonly bytes: Uint8Array;
};

type Kept = {
  readonly body: ArrayBuffer;
  readonly headers: readonly (readonly [string, string])[];
};

/** What stays true of an answer that is given again: its receipt tells where its vectors were made. */
const LASTING: ReadonlySet<string> = new Set([
  "content-type",
  "phaseway-receipt",
  "phaseway-labels",
]);

/** Name and headers of an answer, about. */
const OVERHEAD_BYTES = 512;

function answerOf({ body, headers }: Kept, cache: "hit" | "miss"): Response {
  const all = new Headers(headers.map(([name, value]) => [name, value]));
  all.set("phaseway-cache", cache);
  return new Response(body, { headers: all });
}

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
