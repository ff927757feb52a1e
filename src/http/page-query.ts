import type { Context } from "hono";
import { z } from "zod";
import type { Page } from "../apps/responses/input-items.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

/** How a list of items is asked for; or the refusal. */
export function pageOfQuery(c: Context<HttpEnv>): Page | Response {
  const page = pageSchema.safeParse(c.req.query());
  if (page.success) return page.data;
  const param = page.error.issues[0]?.path.join(".") ?? "";
  return refuse(c, "invalid_request", `\`${param}\` is not as it should be.`, param);
}

/** The query of a list of items. */
export const pageSchema = z.object({
  order: z.enum(["asc", "desc"]).default("desc"),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().default(""),
});
