import { z } from "zod";
import type { SessionView, SettleAsk } from "../rpc/session-messages.ts";

type TurnRow = SessionView["recentTurns"][number];

/** Writes one turn, one row. */
export function writeTurn(sql: SqlStorage, n: number, ask: SettleAsk): void {
  const { receipt, status, promptTokens, cachedTokens, outputTokens, now, once } = ask;
  const body = { receipt, status, promptTokens, cachedTokens, outputTokens, at: now, once };
  sql.exec("INSERT OR REPLACE INTO turns (n, body) VALUES (?, ?)", n, JSON.stringify(body));
}

/** The last `limit` turns, newest first. */
export function readTurns(sql: SqlStorage, limit: number): TurnRow[] {
  const rows = sql.exec<{ n: number; body: string }>(
    "SELECT n, body FROM turns ORDER BY n DESC LIMIT ?",
    limit,
  );
  return [...rows].flatMap(({ n, body }) => {
    const turn = turnSchema.safeParse(JSON.parse(body));
    if (!turn.success) return [];
    const { cachedTokens, ...rest } = turn.data;
    return [{ n, ...rest, ...(cachedTokens === undefined ? {} : { cachedTokens }) }];
  });
}

const turnSchema = z.object({
  receipt: z.string(),
  status: z.string(),
  promptTokens: z.number(),
  cachedTokens: z.number().optional(),
  outputTokens: z.number(),
  at: z.number(),
});
