import { Hono, type Context } from "hono";
import { keyedName } from "../turn/session-name.ts";
import { authenticate } from "./auth.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";
import { ownSession } from "./session-key.ts";
import { listSessions } from "./session-list.ts";
import { describeSession } from "./session-view.ts";

/**
 * `GET /v1/sessions`; `GET` and `DELETE /v1/sessions/{id}`, `POST /v1/sessions/{id}/fork`: by our id, or by the key the
 * client named its session with.
 */
export function sessionRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/", authenticate, (c) => listSessions(c));
  routes.post("/:id/fork", authenticate, (c) => forkSession(c));
  routes.get("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const mesh = c.get("mesh");
    const name = await nameOf(mesh, c.get("tenant"), id);
    const own = await mesh.ids.mint("ses", name);
    const view = await mesh.sessions.view(name, c.get("tenant"), own);
    return view === undefined ? missing(c, id) : c.json(describeSession(view, mesh.fleet));
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

/** The branch after the dot in one of our ids. */
const BRANCH = /^ses_[0-9a-f]+\.(\d{1,6})$/;

/** Answers with a new session that begins where the named one, or the branch after a dot in its id, is. */
async function forkSession(c: Context<HttpEnv>): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const mesh = c.get("mesh");
  const tenant = c.get("tenant");
  const fork = await keyedName(tenant, `fork\n${crypto.randomUUID()}`);
  const [, digits] = BRANCH.exec(id) ?? [];
  const branch = digits === undefined ? undefined : Number(digits);
  const name = await nameOf(mesh, tenant, id);
  const isThere = await mesh.sessions.fork(name, tenant, fork, branch);
  if (!isThere) return missing(c, id);
  const own = await mesh.ids.mint("ses", fork);
  const view = await mesh.sessions.view(fork, tenant, own);
  if (view === undefined) return missing(c, own);
  c.header("phaseway-session", own);
  return c.json({ ...describeSession(view, mesh.fleet), forkedFrom: id }, 201);
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
