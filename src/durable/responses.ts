import type { StoredResponse } from "../core/stored-response.ts";
import type { ChainedResponse, StoreAsk } from "../rpc/session-messages.ts";
import { migrate, responseMigrations } from "./migrations.ts";

/** The stored responses of one session, in rows of at most a megabyte. The oldest go when there are too many. */
export class Responses {
  readonly #sql: SqlStorage;
  readonly #limits: ResponseLimits;
  /** Found out once, then kept. */
  #hasTable: boolean | undefined;
  /** Counted once, then kept. */
  #held: Held | undefined;

  constructor(sql: SqlStorage, limits: ResponseLimits = defaultLimits) {
    this.#sql = sql;
    this.#limits = limits;
  }

  write({
    number,
    previous,
    stored,
    now,
  }: Pick<StoreAsk, "number" | "previous" | "stored" | "now">): void {
    if (!this.#isThere()) migrate(this.#sql, responseMigrations, 0);
    this.#hasTable = true;
    this.remove(number);
    const bytes = encoder.encode(JSON.stringify(stored));
    this.#makeRoom(bytes.byteLength);
    for (let part = 0; part * MAX_ROW_BYTES < bytes.byteLength; part += 1) {
      const piece = bytes.slice(part * MAX_ROW_BYTES, (part + 1) * MAX_ROW_BYTES);
      this.#sql.exec(
        "INSERT INTO responses (n, at, previous, body) VALUES (?, ?, ?, ?)",
        number * MAX_PARTS + part,
        now,
        previous ?? null,
        piece.buffer,
      );
      this.#add(1, piece.byteLength);
    }
  }

  /** Puts other texts in a response's place; false where there is none. */
  replace(number: number, stored: StoredResponse): boolean {
    const row = this.#row(number);
    if (row === undefined) return false;
    const { previous, at: now } = row;
    this.write({ number, stored, now, ...(previous !== undefined && { previous }) });
    return true;
  }

  read(number: number): StoredResponse | undefined {
    return this.#row(number)?.stored;
  }

  /** A response after all those it goes on from. When one of them is gone: nothing, or what came after it. */
  chain(number: number, whenGone: "nothing" | "rest" = "nothing"): ChainedResponse[] {
    const chain: ChainedResponse[] = [];
    for (let next: number | undefined = number; next !== undefined;) {
      const row = this.#row(next);
      if (row === undefined && whenGone === "nothing") return [];
      if (row === undefined) break;
      chain.push({ number: next, ...row.stored });
      next = row.previous;
    }
    return chain.toReversed();
  }

  /** Takes one out of a chain that goes on without it; gives what it went on from. */
  unlink(number: number): number | undefined {
    const previous = this.#row(number)?.previous;
    this.#sql.exec(
      "UPDATE responses SET previous = ? WHERE previous = ?",
      previous ?? null,
      number,
    );
    return previous;
  }

  /** True when it was there. */
  remove(number: number): boolean {
    if (!this.#isThere()) return false;
    const { rowsWritten } = this.#sql.exec(
      "DELETE FROM responses WHERE n >= ? AND n < ?",
      number * MAX_PARTS,
      (number + 1) * MAX_PARTS,
    );
    if (rowsWritten > 0) this.#held = undefined;
    return rowsWritten > 0;
  }

  /** The object has been erased. */
  forget(): void {
    this.#hasTable = false;
    this.#held = undefined;
  }

  #isThere(): boolean {
    this.#hasTable ??=
      this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'responses'").toArray().length > 0;
    return this.#hasTable;
  }

  #row(number: number): Row | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql
      .exec<{ at: number; previous: number | null; body: ArrayBuffer }>(
        "SELECT at, previous, body FROM responses WHERE n >= ? AND n < ? ORDER BY n",
        number * MAX_PARTS,
        (number + 1) * MAX_PARTS,
      )
      .toArray();
    const [first] = rows;
    if (first === undefined) return undefined;
    const decoder = new TextDecoder();
    const text = rows.map(({ body }) => decoder.decode(body, { stream: true })).join("");
    return {
      stored: JSON.parse(text) as StoredResponse,
      at: first.at,
      ...(first.previous !== null && { previous: first.previous }),
    };
  }

  /** Lets the oldest go, an eighth more than is needed, so that it is not done every time. */
  #makeRoom(bytes: number): void {
    const { maxRows, maxBytes } = this.#limits;
    const held = this.#count();
    if (held.rows < maxRows && held.bytes + bytes <= maxBytes) return;
    let rows = held.rows - Math.floor((maxRows * 7) / 8);
    let over = held.bytes + bytes - Math.floor((maxBytes * 7) / 8);
    const oldest = this.#sql.exec<{ n: number; size: number }>(
      "SELECT n / ? AS n, COUNT(*) AS rows, SUM(LENGTH(body)) AS size FROM responses GROUP BY n / ? ORDER BY MIN(at)",
      MAX_PARTS,
      MAX_PARTS,
    );
    for (const { n, size } of oldest.toArray()) {
      if (rows <= 0 && over <= 0) return;
      this.remove(n);
      rows -= 1;
      over -= size;
    }
  }

  #add(rows: number, bytes: number): void {
    const held = this.#count();
    this.#held = { rows: held.rows + rows, bytes: held.bytes + bytes };
  }

  #count(): Held {
    this.#held ??= this.#sql
      .exec<Held>("SELECT COUNT(*) AS rows, COALESCE(SUM(LENGTH(body)), 0) AS bytes FROM responses")
      .one();
    return this.#held;
  }
}

export type ResponseLimits = { readonly maxRows: number; readonly maxBytes: number };

/** Of one session. */
export const defaultLimits: ResponseLimits = { maxRows: 4096, maxBytes: 256 * 1024 * 1024 };

type Row = {
  readonly stored: StoredResponse;
  readonly at: number;
  readonly previous?: number;
};

type Held = { readonly rows: number; readonly bytes: number };

/** Half of what a row may have on the platform. */
const MAX_ROW_BYTES = 1_000_000;
/** Rows of one response are numbered next to each other. */
const MAX_PARTS = 4096;

const encoder = new TextEncoder();
