import { Once as PlainOnce, type OnceEnv } from "../../src/durable/once.ts";
import { Receipts as PlainReceipts, type ReceiptsEnv } from "../../src/durable/receipts.ts";
import { Session as PlainSession } from "../../src/durable/session.ts";
import type { SessionEnv } from "../../src/durable/session-env.ts";
import { limitRows } from "./row-limit.ts";

/** The objects that keep what callers sent or were sent, with the rows that they have once deployed. */
export class Session extends PlainSession {
  constructor(ctx: DurableObjectState, env: SessionEnv) {
    limitRows(ctx.storage);
    super(ctx, env);
  }
}

export class Receipts extends PlainReceipts {
  constructor(ctx: DurableObjectState, env: ReceiptsEnv) {
    limitRows(ctx.storage);
    super(ctx, env);
  }
}

export class Once extends PlainOnce {
  constructor(ctx: DurableObjectState, env: OnceEnv) {
    limitRows(ctx.storage);
    super(ctx, env);
  }
}
