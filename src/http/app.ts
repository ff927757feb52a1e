import { Hono, type Context } from "hono";
import { parseCount } from "../apps/messages/parse.ts";
import { appApis, errorsAt } from "../apps/registry.ts";
import { parseResponses } from "../apps/responses/parse.ts";
import { authenticate } from "./auth.ts";
import { conversationItemRoutes } from "./conversation-items.ts";
import { conversationRoutes } from "./conversation-routes.ts";
import { cors } from "./cors.ts";
import { countTokensRoute } from "./count-tokens-route.ts";
import type { HttpEnv } from "./env.ts";
import { modelRoutes } from "./model-routes.ts";
import { openapiRoutes } from "./openapi/routes.ts";
import { once } from "./once.ts";
import { receiptRoutes } from "./receipt-routes.ts";
import { refuse } from "./refuse.ts";
import { responseRoutes } from "./response-routes.ts";
import { responsesSocket } from "./responses-socket.ts";
import { sessionRoutes } from "./session-routes.ts";
import { turnRoute } from "./turn-route.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** The mesh's HTTP face. Everything it needs of the world comes in by `c.get("mesh")`, set by the worker. */
export function createApp(): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(async (c, next) => {
    c.set("mesh", c.env.MESH_OF_REQUEST);
    c.set("requestId", `req_${crypto.randomUUID()}`);
    const errors = errorsAt(c.req.path, c.req.raw.headers);
    c.set("errors", errors);
    const startedAt = Date.now();
    await next();
    for (const name of ["x-request-id", errors.requestIdHeader ?? []].flat()) {
      c.res.headers.set(name, c.get("requestId"));
    }
    if (!c.res.headers.has("server-timing")) {
      c.res.headers.set("server-timing", `total;dur=${Date.now() - startedAt}`);
    }
  });
  app.use(cors);
  app.onError((error, c) => {
    console.error(
      JSON.stringify({ event: "bug", requestId: c.get("requestId"), error: error.stack }),
    );
    return refuse(c, "internal_error", "Something went wrong on our side.");
  });
  app.get("/healthz", (c) =>
    c.json({ ok: true, edge: c.get("mesh").edge, mesh: c.get("mesh").fleet.version }),
  );
  // Keys are asked for by the routes themselves, so that what is not there is a 404 with and without one.
  for (const api of appApis) app.post(api.path, authenticate, once, turnRoute(api));
  app.post(
    "/v1/messages/count_tokens",
    authenticate,
    countTokensRoute(parseCount, (input_tokens) => ({ input_tokens })),
  );
  app.post(
    "/v1/responses/input_tokens",
    authenticate,
    countTokensRoute(parseResponses, (input_tokens) => ({
      object: "response.input_tokens",
      input_tokens,
    })),
  );
  app.route("/v1/models", modelRoutes());
  app.route("/v1/sessions", sessionRoutes());
  app.route("/v1/receipts", receiptRoutes());
  const socket = responsesSocket((request, c) => app.fetch(request, c.env, c.executionCtx));
  app.get("/v1/responses", authenticate, socket);
  app.route("/v1/responses", responseRoutes());
  app.route("/v1/conversations", conversationRoutes());
  app.route("/v1/conversations", conversationItemRoutes());
  app.route("/", openapiRoutes());
  app.notFound((c) => nothingHere(app, c));
  return app;
}

/** 405 where another method would do, else 404. */
function nothingHere(app: Hono<HttpEnv>, c: Context<HttpEnv>): Response {
  const { method, path } = c.req;
  const allowed = METHODS.filter((other) => matches(app, other, path)).flatMap((other) =>
    other === "GET" ? ["GET", "HEAD"] : [other],
  );
  if (allowed.length === 0) return refuse(c, "not_found", `There is nothing at ${path}.`);
  const takes = allowed.join(", ");
  const response = refuse(c, "method_not_allowed", `${path} takes ${takes}, not ${method}.`);
  response.headers.set("allow", takes);
  return response;
}

/** True when a route (not a mere middleware) answers this method and path. */
function matches(app: Hono<HttpEnv>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
