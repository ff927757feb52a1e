import type { StoredItems, StoredResponse } from "../core/stored-response.ts";
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

  write({ number, previous, stored, now }: Written): void {
    if (!this.#isThere()) migrate(this.#sql, responseMigrations, 0);
    this.#hasTable = true;
    this.remove(number);
    const { input, output, response } = stored;
    // Whoever goes on from a response needs its items alone.
    const items = encoder.encode(JSON.stringify({ input, output }));
    const rest = encoder.encode(response);
    this.#makeRoom(items.byteLength + rest.byteLength);
    const parts = Math.ceil(Math.max(items.byteLength, rest.byteLength) / MAX_PIECE_BYTES);
    for (let part = 0; part < parts; part += 1) {
      this.#sql.exec(
        "INSERT INTO responses (n, at, previous, items, rest) VALUES (?, ?, ?, ?, ?)",
        number * MAX_PARTS + part,
        now,
        previous ?? null,
        pieceOf(items, part),
        pieceOf(rest, part),
      );
    }
    const held = this.#count();
    this.#held = {
      rows: held.rows + parts,
      bytes: held.bytes + items.byteLength + rest.byteLength,
    };
  }

  /** Puts other items in the place of a response's own; false where there is no such response. */
  replace(number: number, items: StoredItems): boolean {
    const row = this.#row(number);
    const stored = this.read(number);
    if (row === undefined || stored === undefined) return false;
    const { previous, at: now } = row;
    this.write({
      number,
      now,
      stored: { ...stored, ...items },
      ...(previous !== undefined && { previous }),
    });
    return true;
  }

  read(number: number): StoredResponse | undefined {
    const row = this.#row(number);
    if (row === undefined) return undefined;
    const rest = this.#sql
      .exec<{ rest: ArrayBuffer }>(`SELECT rest FROM responses ${OWN_ROWS}`, ...rowsOf(number))
      .toArray();
    return { ...row.items, response: textOf(rest.map((piece) => piece.rest)) };
  }

  /** A response after all those it goes on from. When one of them is gone: nothing, or what came after it. */
  chain(number: number, whenGone: "nothing" | "rest" = "nothing"): ChainedResponse[] {
    const chain: ChainedResponse[] = [];
    for (let next: number | undefined = number; next !== undefined;) {
      const row = this.#row(next);
      if (row === undefined && whenGone === "nothing") return [];
      if (row === undefined) break;
      chain.push({ number: next, ...row.items });
      next = row.previous;
    }
    return chain.toReversed();
  }

  previousOf(number: number): number | undefined {
    return this.#row(number)?.previous;
  }

  /** Takes one out of a chain that goes on without it; gives what it went on from. */
  unlink(number: number): number | undefined {
    const previous = this.previousOf(number);
    if (!this.#isThere()) return undefined;
    const change = "UPDATE responses SET previous = ? WHERE previous = ?";
    this.#sql.exec(change, previous ?? null, number);
    return previous;
  }

  /** True when it was there. */
  remove(number: number): boolean {
    if (!this.#isThere()) return false;
    const from = "DELETE FROM responses WHERE n >= ? AND n < ?";
    const { rowsWritten } = this.#sql.exec(from, ...rowsOf(number));
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
      .exec<{ at: number; previous: number | null; items: ArrayBuffer }>(
        `SELECT at, previous, items FROM responses ${OWN_ROWS}`,
        ...rowsOf(number),
      )
      .toArray();
    const [first] = rows;
    if (first === undefined) return undefined;
    return {
      items: JSON.parse(textOf(rows.map(({ items }) => items))) as StoredItems,
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
    const oldest = this.#sql.exec<Held & { number: number }>(
      `SELECT n >> ${PART_BITS} AS number, ${COUNTS} FROM responses GROUP BY number ORDER BY MIN(at)`,
    );
    for (const one of oldest.toArray()) {
      if (rows <= 0 && over <= 0) return;
      this.remove(one.number);
      rows -= one.rows;
      over -= one.bytes;
    }
  }

  #count(): Held {
    this.#held ??= this.#sql.exec<Held>(`SELECT ${COUNTS} FROM responses`).one();
    return this.#held;
  }
}

export type ResponseLimits = { readonly maxRows: number; readonly maxBytes: number };

/** Of one session. */
export const defaultLimits: ResponseLimits = { maxRows: 4096, maxBytes: 256 * 1024 * 1024 };

type Written = Pick<StoreAsk, "number" | "previous" | "stored" | "now">;

type Row = {
  readonly items: StoredItems;
  readonly at: number;
  readonly previous?: number;
};

type Held = { readonly rows: number; readonly bytes: number };

/** A row has two of these; the platform's limit is 2 MB for the whole row. */
const MAX_PIECE_BYTES = 500_000;
/** Rows of one response are numbered next to each other. */
const PART_BITS = 12;
const MAX_PARTS = 2 ** PART_BITS;
const OWN_ROWS = "WHERE n >= ? AND n < ? ORDER BY n";
const COUNTS = "COUNT(*) AS rows, COALESCE(SUM(LENGTH(items) + LENGTH(rest)), 0) AS bytes";

const encoder = new TextEncoder();

function rowsOf(number: number): [number, number] {
  return [number * MAX_PARTS, (number + 1) * MAX_PARTS];
}

function pieceOf(bytes: Uint8Array, part: number): ArrayBuffer {
  const piece = bytes.subarray(part * MAX_PIECE_BYTES, (part + 1) * MAX_PIECE_BYTES);
  return new Uint8Array(piece).buffer;
}

function textOf(pieces: readonly ArrayBuffer[]): string {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("");
}
