import { type Context, Hono } from "hono";
import { inputItems, pageOf } from "../apps/responses/input-items.ts";
import { wholeResponse } from "../apps/responses/recall.ts";
import { readResponseId, type StoredResponse } from "../core/stored-response.ts";
import { authenticate } from "./auth.ts";
import type { HttpEnv } from "./env.ts";
import { pageOfQuery } from "./page-query.ts";
import { ownPlace } from "./recall.ts";
import { refuse } from "./refuse.ts";

/**
 * What is stored of responses: `GET` and `DELETE /v1/responses/{id}`, `GET …/input_items`; `POST …/cancel` and
 * `POST /v1/responses/compact` say why not.
 */
export function responseRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.post("/compact", authenticate, (c) =>
    refuse(c, "not_found", "Compaction is not served here: send what the model should still see."),
  );
  routes.get("/:id", authenticate, async (c) => {
    const found = await storedResponse(c, c.req.param("id"));
    if (found instanceof Response) return found;
    if (c.req.query("stream") === "true") {
      const message = "`stream` cannot be served: a stored response is given whole.";
      return refuse(c, "unsupported_parameter", message, "stream");
    }
    return c.body(found.whole, 200, { "content-type": "application/json" });
  });
  routes.delete("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const { ids, sessions } = c.get("mesh");
    const place = await ownPlace(c, await readResponseId(ids, id));
    const isGone = place && (await sessions.forget(place.session, c.get("tenant"), place.number));
    return isGone ? c.json({ id, object: "response", deleted: true }) : missing(c, id);
  });
  routes.get("/:id/input_items", authenticate, async (c) => {
    const id = c.req.param("id");
    const page = pageOfQuery(c);
    if (page instanceof Response) return page;
    const found = await storedResponse(c, id);
    return found instanceof Response ? found : c.json(pageOf(inputItems(id, found), page));
  });
  routes.post("/:id/cancel", authenticate, async (c) => {
    const found = await storedResponse(c, c.req.param("id"));
    if (found instanceof Response) return found;
    const message = "Only a background response can be cancelled, and this one is over.";
    return refuse(c, "invalid_request", message);
  });
  return routes;
}

async function storedResponse(
  c: Context<HttpEnv>,
  id: string,
): Promise<(StoredResponse & { readonly whole: string }) | Response> {
  const { ids, sessions } = c.get("mesh");
  const place = await ownPlace(c, await readResponseId(ids, id));
  if (place === undefined) return missing(c, id);
  const { session, number } = place;
  const ask = { v: 1, tenant: c.get("tenant"), numbers: [number] } as const;
  const answer = await sessions.recall(session, ask);
  if (answer === "lost") {
    return refuse(c, "engine_unavailable", "The stored response cannot be read right now.");
  }
  const stored = answer?.found.get(number);
  const whole = stored && wholeResponse(stored);
  return whole ? { ...stored, whole } : missing(c, id);
}

function missing(c: Context<HttpEnv>, id: string): Response {
  return refuse(c, "not_found", `Response with id '${id}' not found.`);
}
