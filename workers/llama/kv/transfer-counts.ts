import type { Brought } from "../engine.ts";

/** What an engine counts of the states that it brought over its life. */
export class TransferCounts {
  #fetched = 0;
  #fetchedBytes = 0;
  #failures = 0;

  add({ state, fetched }: Brought): void {
    if (fetched && "failed" in fetched) this.#failures += 1;
    else if (state && fetched) {
      this.#fetched += 1;
      this.#fetchedBytes += fetched.bytes;
    }
  }

  /** Prometheus text, with what is kept now: handles, and bytes of files. */
  text(kept: { readonly handles: number; readonly bytes: number }): string {
    const rows = [
      ["kv_handles", "gauge", kept.handles],
      ["kv_file_bytes", "gauge", kept.bytes],
      ["kv_fetched_total", "counter", this.#fetched],
      ["kv_fetched_bytes_total", "counter", this.#fetchedBytes],
      ["kv_fetch_failures_total", "counter", this.#failures],
    ] as const;
    return rows
      .map(([name, type, value]) => `# TYPE llamacpp:${name} ${type}\nllamacpp:${name} ${value}\n`)
      .join("");
  }
}
