import { DurableObject } from "cloudflare:workers";
import type { Receipt } from "../core/receipt.ts";
import type { ReceiptsCalls } from "../rpc/objects.ts";
import {
  receiptMessagesVersion,
  type AppendReply,
  type ReadReply,
  type ReceiptPack,
  type SessionReceiptsReply,
  type SessionsAsk,
  type SessionsReply,
} from "../rpc/receipt-messages.ts";
import { migrate, parseSchema, receiptMigrations } from "./migrations.ts";
import { idNeedle, packRows, sessionsIn } from "./receipt-packs.ts";

/** The audit log of one tenant, shard and day: receipts packed several to a row. */
export class Receipts extends DurableObject<ReceiptsEnv> implements ReceiptsCalls {
  readonly #ttlMs: number;
  #schema = 0;
  #hasAlarm = false;
  #written: Set<string> | undefined;

  constructor(ctx: DurableObjectState, env: ReceiptsEnv) {
    super(ctx, env);
    this.#ttlMs = ttlMsOf(env);
    void ctx.blockConcurrencyWhile(async () => {
      // Only brings old tables up to date: an object that was merely asked writes nothing.
      this.#schema = parseSchema(ctx.storage.kv.get(schemaKey));
      if (this.#schema > 0) this.#migrate();
      this.#hasAlarm = (await ctx.storage.getAlarm()) !== null;
    });
  }

  async append(pack: ReceiptPack): Promise<AppendReply> {
    const nothing: AppendReply = { v: 1, ok: true, rows: 0, refused: [] };
    if (pack.v !== receiptMessagesVersion || pack.receipts.length === 0) return nothing;
    const { storage } = this.ctx;
    this.#migrate();
    const { rows, refused } = packRows(this.#unwritten(pack.receipts));
    const now = Date.now();
    for (const { ids, body } of rows) {
      storage.sql.exec("INSERT INTO packs (at, ids, body) VALUES (?, ?, ?)", now, ids, body);
    }
    if (!this.#hasAlarm) await this.#arm(now + this.#ttlMs);
    return { v: 1, ok: true, rows: rows.length, refused };
  }

  read(id: string, tenant: string): ReadReply {
    for (const receipt of this.#newestWith(id)) {
      if (receipt.id === id && receipt.tenant === tenant) return { v: 1, ok: true, receipt };
    }
    return { v: 1, ok: false, code: "not_found" };
  }

  bySession(session: string, limit: number, tenant: string): SessionReceiptsReply {
    const receipts: Receipt[] = [];
    for (const receipt of this.#newestWith(session)) {
      if (receipts.length >= limit) break;
      if (receipt.session === session && receipt.tenant === tenant) receipts.push(receipt);
    }
    return { v: 1, ok: true, receipts };
  }

  sessions({ from, more }: SessionsAsk): SessionsReply {
    const found = new Map<string, number>();
    let older = 0;
    if (this.#schema > 0) {
      const rows = this.ctx.storage.sql.exec<{ at: number; ids: string }>(
        "SELECT at, ids FROM packs ORDER BY n DESC",
      );
      for (const { at, ids } of rows) {
        if (older >= more && at < from) break;
        for (const id of sessionsIn(ids)) {
          if (found.has(id)) continue;
          found.set(id, at);
          if (at < from) older += 1;
        }
      }
    }
    return { v: 1, ok: true, sessions: [...found].map(([id, at]) => ({ id, at })) };
  }

  override async alarm(): Promise<void> {
    this.#hasAlarm = false;
    const newest = this.#schema > 0 ? this.#newestAt() : 0;
    if (newest + this.#ttlMs > Date.now()) await this.#arm(newest + this.#ttlMs);
    else {
      this.#written = undefined;
      this.#schema = 0;
      await this.ctx.storage.deleteAll();
    }
  }

  #newestAt(): number {
    const [row] = this.ctx.storage.sql.exec<{ at: number }>(
      "SELECT at FROM packs ORDER BY n DESC LIMIT 1",
    );
    return row?.at ?? 0;
  }

  /** Receipts of the rows that name `id`, newest first; rows are read as they are asked for. */
  *#newestWith(id: string): Generator<Receipt> {
    if (this.#schema === 0) return;
    const rows = this.ctx.storage.sql.exec<{ body: string }>(
      "SELECT body FROM packs WHERE instr(ids, ?) > 0 ORDER BY n DESC",
      idNeedle(id),
    );
    for (const { body } of rows) yield* (JSON.parse(body) as Receipt[]).toReversed();
  }

  /** What an earlier append has not written yet. A pack is sent again within seconds, so only newest rows matter. */
  #unwritten(receipts: readonly Receipt[]): readonly Receipt[] {
    if (this.#written === undefined || this.#written.size > maxRemembered) {
      this.#written = this.#newestIds();
    }
    const written = this.#written;
    return receipts.filter(({ id }) => !written.has(id) && written.add(id));
  }

  #newestIds(): Set<string> {
    const rows = this.ctx.storage.sql.exec<{ ids: string }>(
      "SELECT ids FROM packs ORDER BY n DESC LIMIT ?",
      newestRows,
    );
    return new Set([...rows].flatMap(({ ids }) => JSON.parse(ids) as string[]));
  }

  #migrate(): void {
    const from = this.#schema;
    this.#schema = migrate(this.ctx.storage.sql, receiptMigrations, from);
    if (this.#schema !== from) this.ctx.storage.kv.put(schemaKey, this.#schema);
  }

  #arm(at: number): Promise<void> {
    this.#hasAlarm = true;
    return this.ctx.storage.setAlarm(at);
  }
}

export type ReceiptsEnv = {
  /** Days a receipt is kept; 30 when absent. */
  readonly RECEIPT_TTL_DAYS?: string;
};

const schemaKey = "schema";
const newestRows = 32;
const maxRemembered = 50_000;

function ttlMsOf(env: ReceiptsEnv): number {
  const days = Number(env.RECEIPT_TTL_DAYS);
  return (days > 0 ? days : 30) * 86_400_000;
}
