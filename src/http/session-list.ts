import type { Context } from "hono";
import { z } from "zod";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;
const CURSOR = /^(\d{4}-\d\d-\d\d)\.(\d{1,15})\.(ses_[0-9a-f]{1,64})?$/;

const OF_LIMIT = `is 1 to ${MAX_LIMIT}`;

/** The query of the list. */
export const listSchema = z.object({
  limit: z.coerce
    .number(OF_LIMIT)
    .int(OF_LIMIT)
    .min(1, OF_LIMIT)
    .max(MAX_LIMIT, OF_LIMIT)
    .default(DEFAULT_LIMIT),
  after: z.string().optional(),
});

/** A place in the list: everything of that day that was used before, or then under a greater id. */
export type SessionCursor = { readonly day: string; readonly at: number; readonly id: string };

/** `GET /v1/sessions`: the tenant's sessions that are still there, the last used first. */
export async function listSessions(c: Context<HttpEnv>): Promise<Response> {
  const asked = listSchema.safeParse(c.req.query());
  if (!asked.success) {
    const [issue] = asked.error.issues;
    const param = issue?.path.join(".") ?? "";
    return refuse(c, "invalid_request", `\`${param}\` ${issue?.message ?? "is wrong"}.`, param);
  }
  const { limit } = asked.data;
  const after = asked.data.after === undefined ? undefined : readCursor(asked.data.after);
  if (asked.data.after !== undefined && after === undefined) {
    return refuse(c, "invalid_request", "`after` is the `next` of an earlier page.", "after");
  }
  const { sessions, ids } = c.get("mesh");
  const tenant = c.get("tenant");
  const page = await sessions.list(tenant, limit, after);
  const found = await Promise.all(
    page.sessions.map(async ({ id, day }) => {
      const own = await ids.read(id);
      const view = own && (await sessions.view(own.payload, tenant, id));
      // Used on a later day, it is listed there.
      return view !== undefined && view.stats.lastAt < endOf(day) ? [view] : [];
    }),
  );
  const data = found.flat().map(({ object, id, model, expiresAt, stats }) => {
    const { turns, lastAt, usd, savedUsd } = stats;
    return { object, id, model, turns, lastAt, expiresAt, usd: { spent: usd, saved: savedUsd } };
  });
  const next = page.next === undefined ? null : writeCursor(page.next);
  return c.json({ object: "list", data, has_more: next !== null, next });
}

/** A turn may end a while after the day that its receipt is kept under, ms. */
const LONGEST_TURN_MS = 600_000;

function endOf(day: string): number {
  return Date.parse(day) + 86_400_000 + LONGEST_TURN_MS;
}

function readCursor(text: string): SessionCursor | undefined {
  const [, day = "", at = "", id = ""] = CURSOR.exec(text) ?? [];
  return Number.isNaN(Date.parse(day)) ? undefined : { day, at: Number(at), id };
}

function writeCursor({ day, at, id }: SessionCursor): string {
  return `${day}.${at}.${id}`;
}
