import { describe, expect, it } from "vitest";
import type { SessionCursor } from "../../../src/http/session-list.ts";
import { type ReadDay, sessionPage } from "../../../workers/edge/session-pages.ts";

const now = Date.parse("2026-11-24T12:00:00Z");
const DAYS: Readonly<Record<string, readonly [string, number][]>> = {
  "2026-11-24": [
    ["ses_c", 300],
    ["ses_b", 200],
    ["ses_a", 200],
    // In another object of that day.
    ["ses_b", 100],
  ],
  "2026-11-21": [["ses_d", 90]],
  "2026-11-10": [["ses_e", 80]],
};

const readDay: ReadDay = async (day, from, more) => {
  const all = (DAYS[day] ?? []).map(([id, at]) => ({ id, at }));
  const newer = all.filter(({ at }) => at >= from);
  return [...newer, ...all.filter(({ at }) => at < from).slice(0, more)];
};

async function pages(limit: number, days: number): Promise<string[][]> {
  const seen: string[][] = [];
  let after: SessionCursor | undefined;
  for (;;) {
    const page = await sessionPage(readDay, { now, days, limit, after });
    seen.push(page.sessions.map(({ id }) => id));
    if (page.next === undefined) return seen;
    after = page.next;
  }
}

describe("pages of sessions", () => {
  it("go back day by day, each session once on a day, equal times by id", async () => {
    expect((await pages(2, 30)).flat()).toEqual(["ses_c", "ses_a", "ses_b", "ses_d", "ses_e"]);
    expect((await pages(2, 30))[0]).toEqual(["ses_c", "ses_a"]);
    expect((await pages(100, 30)).flat()).toHaveLength(5);
  });

  it("end with the days that receipts are kept for", async () => {
    expect((await pages(2, 10)).flat()).toEqual(["ses_c", "ses_a", "ses_b", "ses_d"]);
    expect(await pages(100, 3)).toEqual([["ses_c", "ses_a", "ses_b"]]);
  });
});
