import { Hono } from "hono";
import type { Fleet } from "../core/fleet.ts";
import { authenticate } from "./auth.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

/** `GET /v1/models` and `/v1/models/{id}`, with what OpenAI's SDKs read and what Anthropic's do. */
export function modelRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/", authenticate, (c) => {
    const data = modelsOf(c.get("mesh").fleet);
    const page = {
      has_more: false,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    };
    return c.json({ object: "list", data, ...page });
  });
  routes.get("/:id", authenticate, (c) => {
    const { fleet } = c.get("mesh");
    const asked = c.req.param("id");
    const model = modelsOf(fleet).find(({ id }) => id === fleet.modelNames.get(asked));
    if (model !== undefined) return c.json(model);
    return refuse(c, "model_not_found", `The model \`${asked}\` does not exist.`, "model");
  });
  return routes;
}

function modelsOf({ models }: Fleet) {
  return [...models.values()].map(({ id, aliases, contextWindow, kind = "chat" }) => ({
    id,
    object: "model",
    created: 0,
    owned_by: "phaseway",
    aliases,
    context_window: contextWindow,
    kind,
    type: "model",
    display_name: id,
    created_at: new Date(0).toISOString(),
    max_input_tokens: contextWindow,
    max_tokens: contextWindow,
  }));
}
