import { Hono, type Context } from "hono";
import { keyedName } from "../turn/session-name.ts";
import { authenticate } from "./auth.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";
import { ownSession } from "./session-key.ts";

/** `GET` and `DELETE /v1/sessions/{id}`: by our id, or by the key the client named its session with. */
export function sessionRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const mesh = c.get("mesh");
    const name = await nameOf(mesh, c.get("tenant"), id);
    const own = await mesh.ids.mint("ses", name);
    const view = await mesh.sessions.view(name, c.get("tenant"), own);
    return view === undefined ? missing(c, id) : c.json(view);
  });
  routes.delete("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const erased = await c
      .get("mesh")
      .sessions.erase(await nameOf(c.get("mesh"), c.get("tenant"), id), c.get("tenant"));
    return erased ? c.json({ object: "session.deleted", id, deleted: true }) : missing(c, id);
  });
  return routes;
}

async function nameOf(
  mesh: HttpEnv["Variables"]["mesh"],
  tenant: string,
  id: string,
): Promise<string> {
  return (await ownSession(id, tenant, mesh.ids)) ?? keyedName(tenant, id);
}

function missing(c: Context<HttpEnv>, id: string): Response {
  return refuse(c, "not_found", `There is no session \`${id}\`.`);
}
