import { z } from "zod";
import type { SessionView, SettleAsk } from "../rpc/session-messages.ts";

type TurnRow = SessionView["recentTurns"][number];

/** The newest `most` turns of a session, each in one row, which a later turn takes over. */
export class Turns {
  readonly #sql: SqlStorage;
  readonly #most: number;

  constructor(sql: SqlStorage, most: number) {
    this.#sql = sql;
    this.#most = most;
  }

  write(n: number, ask: SettleAsk): void {
    const { receipt, status, promptTokens, cachedTokens, outputTokens, now, once } = ask;
    const body = { n, receipt, status, promptTokens, cachedTokens, outputTokens, at: now, once };
    this.#sql.exec(
      "INSERT OR REPLACE INTO turns (n, body) VALUES (?, ?)",
      n % this.#most,
      JSON.stringify(body),
    );
  }

  /** The last `limit` of `turns`, newest first. */
  newest(turns: number, limit: number): TurnRow[] {
    const most = Math.min(turns, limit, this.#most);
    return Array.from({ length: most }, (_, back) => this.#read(turns - back)).flatMap((row) =>
      row === undefined ? [] : [row],
    );
  }

  /** The objects that keep answers under the idempotency keys of turns. */
  onces(): string[] {
    const rows = this.#sql.exec<{ once: string }>(
      "SELECT body ->> '$.once' AS once FROM turns WHERE once IS NOT NULL",
    );
    return [...rows].map(({ once }) => once);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM turns");
  }

  #read(n: number): TurnRow | undefined {
    const [row] = this.#sql.exec<{ body: string }>(
      "SELECT body FROM turns WHERE n = ?",
      n % this.#most,
    );
    const turn = row && turnSchema.safeParse(JSON.parse(row.body));
    if (!turn?.success || turn.data.n !== n) return undefined;
    const { cachedTokens, ...rest } = turn.data;
    return { ...rest, ...(cachedTokens === undefined ? {} : { cachedTokens }) };
  }
}

const turnSchema = z.object({
  n: z.number(),
  receipt: z.string(),
  status: z.string(),
  promptTokens: z.number(),
  cachedTokens: z.number().optional(),
  outputTokens: z.number(),
  at: z.number(),
});
