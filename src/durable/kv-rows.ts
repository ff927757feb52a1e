import { MAX_EDGE_BYTES } from "../core/kv-export/tiers.ts";

/** Bytes of a row, at most: rows of over 2 MB are refused by the platform. */
const ROW_BYTES = 1024 * 1024;

/**
 * Reads a state into parts of at most 1 MB; undefined when it is over 8 MB, and then no more is read. Rejects when it is
 * cut. Nothing is written before all of it is there, so that it is kept whole or not at all.
 */
export async function readParts(
  body: ReadableStream<Uint8Array>,
): Promise<readonly Uint8Array[] | undefined> {
  const parts: Uint8Array[] = [];
  let part = new Uint8Array(ROW_BYTES);
  let [filled, total] = [0, 0];
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.byteLength;
    if (total > MAX_EDGE_BYTES) {
      await reader.cancel();
      return undefined;
    }
    let rest = value;
    while (rest.byteLength > 0) {
      const fits = rest.subarray(0, ROW_BYTES - filled);
      part.set(fits, filled);
      filled += fits.byteLength;
      rest = rest.subarray(fits.byteLength);
      if (filled < ROW_BYTES) continue;
      parts.push(part);
      part = new Uint8Array(ROW_BYTES);
      filled = 0;
    }
  }
  return filled === 0 ? parts : [...parts, part.subarray(0, filled)];
}

/** Writes a state under its id, a row for each part. */
export function writeParts(sql: SqlStorage, id: string, parts: readonly Uint8Array[]): void {
  // No migration: most sessions never need it, and it would be billed to each of them. `id` comes before `body`, so that
  // a search by it does not read the bodies' overflow pages.
  sql.exec(
    "CREATE TABLE IF NOT EXISTS kv (n INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL)",
  );
  for (const part of parts) sql.exec("INSERT INTO kv (id, body) VALUES (?, ?)", id, part);
}

/** The bytes of a state, row by row as they are read; undefined where there are none. */
export function partsOf(sql: SqlStorage, id: string): ReadableStream<Uint8Array> | undefined {
  const rows = sql.exec<{ n: number }>("SELECT n FROM kv WHERE id = ? ORDER BY n", id);
  const left = rows.toArray().map(({ n }) => n);
  if (left.length === 0) return undefined;
  return new ReadableStream({
    // Only byte streams cross to another worker.
    type: "bytes",
    pull(controller) {
      const n = left.shift();
      if (n === undefined) {
        controller.close();
        // A reader with a buffer of its own is told so by an empty answer.
        controller.byobRequest?.respond(0);
        return;
      }
      const [row] = sql.exec<{ body: ArrayBuffer }>("SELECT body FROM kv WHERE n = ?", n);
      // Dropped meanwhile: what came so far is no state.
      if (row === undefined) controller.error(new Error("the state was dropped"));
      else controller.enqueue(new Uint8Array(row.body));
    },
  });
}

/** Deletes every state but those of these ids. */
export function keepOnly(sql: SqlStorage, ids: readonly string[]): void {
  const marks = ids.map(() => "?").join(", ");
  sql.exec(`DELETE FROM kv WHERE id NOT IN (${marks})`, ...ids);
}
