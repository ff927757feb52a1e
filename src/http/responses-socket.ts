import type { Context } from "hono";
import { createConnectionMemory } from "../apps/responses/connection-memory.ts";
import { createSseFramer, frameData } from "../core/sse.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

/**
 * `GET /v1/responses` as a WebSocket: each `response.create` is answered by the events of its stream, one after another.
 * `post` takes the request that says the same over HTTP. What is not stored can be gone on from here, until it closes.
 */
export function responsesSocket(
  post: (request: Request, c: Context<HttpEnv>) => Response | Promise<Response>,
): (c: Context<HttpEnv>) => Response {
  return function connect(c) {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      const response = refuse(c, "method_not_allowed", "Post a request, or open a WebSocket here.");
      response.headers.set("allow", "POST");
      return response;
    }
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    server.accept();
    const left = new AbortController();
    const timer = setTimeout(() => end(server), LONGEST_MS);
    const leave = () => {
      clearTimeout(timer);
      left.abort(new Error("the connection was closed"));
    };
    server.addEventListener("close", leave);
    server.addEventListener("error", leave);
    const answer = answerer(c, post, server, left.signal);
    let before: Promise<void> = Promise.resolve();
    server.addEventListener("message", ({ data }) => {
      before = before.then(() => answer(data)).catch(() => server.close(INTERNAL_ERROR));
    });
    return new Response(null, { status: 101, webSocket: client });
  };
}

/** As OpenAI closes its own. */
const LONGEST_MS = 3_600_000;
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;
/** Of the request that opened the connection; the others go with each request. */
const OF_THE_HANDSHAKE = ["connection", "upgrade", "content-length"];

function end(server: WebSocket): void {
  const message = "The connection has been open for 60 minutes; open another.";
  const code = "websocket_connection_limit_reached";
  refuseMessage(server, invalid(code, message, null));
  server.close(NORMAL);
}

function refuseMessage(server: WebSocket, refusal: Refusal): void {
  server.send(JSON.stringify({ type: "error", ...refusal }));
}

type Refusal = { readonly status: number; readonly error: object };

function invalid(code: string, message: string, param: string | null): Refusal {
  return { status: 400, error: { type: "invalid_request_error", code, message, param } };
}

const NO_REQUEST = invalid("invalid_request", "A message must be a `response.create`.", "type");

function answerer(
  c: Context<HttpEnv>,
  post: (request: Request, c: Context<HttpEnv>) => Response | Promise<Response>,
  server: WebSocket,
  signal: AbortSignal,
): (message: unknown) => Promise<void> {
  const headers = new Headers(c.req.raw.headers);
  for (const name of headers.keys()) {
    if (OF_THE_HANDSHAKE.includes(name) || name.startsWith("sec-websocket")) headers.delete(name);
  }
  headers.set("content-type", "application/json");
  const memory = createConnectionMemory();
  return async function answer(message) {
    const turn = memory.begin(typeof message === "string" ? message : "");
    if (turn === undefined) return refuseMessage(server, NO_REQUEST);
    const request = new Request(c.req.url, { method: "POST", headers, body: turn.body, signal });
    const response = await post(request, c);
    if (!response.ok || response.body === null) {
      turn.failed();
      const { error } = await response.json<{ error: object }>();
      return refuseMessage(server, { status: response.status, error });
    }
    const framer = createSseFramer();
    for await (const chunk of response.body) {
      for (const data of framer.push(chunk).map(frameData)) {
        if (data !== undefined) server.send(turn.event(data));
      }
    }
  };
}
