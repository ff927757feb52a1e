import { Hono } from "hono";
import { authenticate } from "./auth.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

/** `GET /v1/receipts/{id}`. */
export function receiptRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const receipt = await c.get("mesh").receipts.read(id, c.get("tenant"));
    if (receipt !== undefined) return c.json(receipt);
    return refuse(c, "not_found", `There is no receipt \`${id}\`.`);
  });
  return routes;
}
