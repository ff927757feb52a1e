import type { Lease } from "../core/grant/lease.ts";
import { parseLease, type LeaseRow, rowOf } from "./region-leases.ts";
import { migrate, parseSchema, regionMigrations } from "./migrations.ts";

/** What a region keeps beyond its memory: leases of long legs, and its prefix indexes as they once were. */
export class RegionStore {
  readonly #storage: DurableObjectStorage;
  readonly #leases = new Set<string>();
  #schema: number;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    // Only brings old tables up to date: an object that was merely asked writes nothing.
    this.#schema = parseSchema(storage.kv.get(SCHEMA_KEY));
    if (this.#schema > 0) this.#migrate();
  }

  /** Tickets of which there is a row. */
  get leases(): ReadonlySet<string> {
    return this.#leases;
  }

  /** The kept leases; rows that cannot be read are deleted. */
  readLeases(): Lease[] {
    if (this.#schema === 0) return [];
    const rows = [...this.#storage.sql.exec<LeaseRow>("SELECT * FROM leases")];
    return rows.flatMap((row) => {
      this.#leases.add(row.ticket);
      const lease = parseLease(row);
      if (lease === undefined) this.deleteLease(row.ticket);
      return lease ?? [];
    });
  }

  writeLease(lease: Lease): void {
    this.#migrate();
    const { ticket, body, keys, tokens } = rowOf(lease);
    const insert = "INSERT OR REPLACE INTO leases (ticket, body, keys, tokens) VALUES (?, ?, ?, ?)";
    this.#storage.sql.exec(insert, ticket, body, keys, tokens);
    this.#leases.add(ticket);
  }

  deleteLease(ticket: string): void {
    if (this.#leases.delete(ticket)) {
      this.#storage.sql.exec("DELETE FROM leases WHERE ticket = ?", ticket);
    }
  }

  /** The last checkpoint, and when it was made, epoch ms. */
  readCheckpoint(): { readonly at: number; readonly parts: readonly ArrayBuffer[] } | undefined {
    if (this.#schema === 0) return undefined;
    const select = "SELECT at, body FROM checkpoint ORDER BY n";
    const rows = [...this.#storage.sql.exec<{ at: number; body: ArrayBuffer }>(select)];
    const [first] = rows;
    return first && { at: first.at, parts: rows.map(({ body }) => body) };
  }

  /** In place of the last one. Rows of one call are written together or not at all. */
  writeCheckpoint(at: number, parts: readonly ArrayBuffer[]): void {
    this.#migrate();
    const { sql } = this.#storage;
    const insert = "INSERT OR REPLACE INTO checkpoint (n, at, body) VALUES (?, ?, ?)";
    for (const [n, body] of parts.entries()) sql.exec(insert, n, at, body);
    sql.exec("DELETE FROM checkpoint WHERE n >= ?", parts.length);
  }

  #migrate(): void {
    const from = this.#schema;
    this.#schema = migrate(this.#storage.sql, regionMigrations, from);
    if (this.#schema !== from) this.#storage.kv.put(SCHEMA_KEY, this.#schema);
  }
}

const SCHEMA_KEY = "schema";
