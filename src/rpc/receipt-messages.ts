import type { Receipt } from "../core/receipt.ts";

/** Messages between workers and a `Receipts` object. Additive changes only. */
export const receiptMessagesVersion = 1;

export type ReceiptPack = {
  readonly v: 1;
  /** In order of time, all of one tenant. Appending a receipt again writes nothing. */
  readonly receipts: readonly Receipt[];
};

export type AppendReply = {
  readonly v: 1;
  readonly ok: true;
  /** Rows written now; 0 when all of it was there already or is of an unknown version. */
  readonly rows: number;
  /** Ids of receipts too big for a row, which are not kept. */
  readonly refused: readonly string[];
};

export type ReadReply =
  | { readonly v: 1; readonly ok: true; readonly receipt: Receipt }
  | { readonly v: 1; readonly ok: false; readonly code: "not_found" };

/** Which sessions have receipts here, the last used first. */
export type SessionsAsk = {
  readonly v: 1;
  /** All that were used then or later, epoch ms; and `more` others. */
  readonly from: number;
  readonly more: number;
};

export type SessionsReply = {
  readonly v: 1;
  readonly ok: true;
  readonly sessions: readonly UsedSession[];
};

/** A session's id, and when the newest of its receipts was written, epoch ms. */
export type UsedSession = { readonly id: string; readonly at: number };

export type SessionReceiptsReply = {
  readonly v: 1;
  readonly ok: true;
  /** Newest first. */
  readonly receipts: readonly Receipt[];
};
