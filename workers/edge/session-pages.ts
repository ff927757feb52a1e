import type { SessionPage } from "../../src/http/env.ts";
import type { SessionCursor } from "../../src/http/session-list.ts";
import { receiptsDay } from "../../src/rpc/objects.ts";
import type { UsedSession } from "../../src/rpc/receipt-messages.ts";

/** Days of receipts that one page looks through. */
const DAYS_A_PAGE = 7;
const DAY_MS = 86_400_000;

/** What the receipts of a day tell of sessions: all that were used at `from` or later, and `more` others. */
export type ReadDay = (day: string, from: number, more: number) => Promise<readonly UsedSession[]>;

/** One page of sessions, from the days on which they were used; `next` is undefined at the end of `days`. */
export async function sessionPage(
  readDay: ReadDay,
  { now, days, limit, after }: PageAsk,
): Promise<SessionPage> {
  const oldest = receiptsDay(now - (days - 1) * DAY_MS);
  const sessions: SessionPage["sessions"][number][] = [];
  let cursor: SessionCursor = after ?? startOf(receiptsDay(now));
  for (let n = 0; n < DAYS_A_PAGE && cursor.day >= oldest; n += 1) {
    const { day } = cursor;
    const wanted = limit - sessions.length;
    const used = await readDay(day, cursor.at, wanted + 1);
    const rest = newestOf(used).filter((one) => inOrder(cursor, one) < 0);
    for (const one of rest.slice(0, wanted)) sessions.push({ id: one.id, day });
    const last = rest[wanted - 1];
    if (last !== undefined && rest.length > wanted) return { sessions, next: { day, ...last } };
    cursor = startOf(receiptsDay(Date.parse(day) - DAY_MS));
    if (sessions.length >= limit) break;
  }
  return cursor.day >= oldest ? { sessions, next: cursor } : { sessions };
}

export type PageAsk = {
  readonly now: number;
  /** Days that receipts are kept. */
  readonly days: number;
  readonly limit: number;
  readonly after: SessionCursor | undefined;
};

function startOf(day: string): SessionCursor {
  return { day, at: 999_999_999_999_999, id: "" };
}

/** Each session once, where its receipts are in several objects. */
function newestOf(used: readonly UsedSession[]): UsedSession[] {
  const newest = new Map<string, number>();
  for (const { id, at } of used) newest.set(id, Math.max(newest.get(id) ?? 0, at));
  return [...newest].map(([id, at]) => ({ id, at })).toSorted(inOrder);
}

/** The last used first; of those of one moment by id. */
function inOrder(one: UsedSession, other: UsedSession): number {
  return other.at - one.at || (one.id < other.id ? -1 : Number(one.id > other.id));
}
