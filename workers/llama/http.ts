import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { AskError, errorBody } from "./ask-error.ts";

/** A Node server for a function of requests; what it throws is told in OpenAI's shape. */
export function httpServer(answer: (request: Request) => Promise<Response>): Server {
  return createServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort(new Error("the caller has left")));
    void read(incoming, gone.signal)
      .then(answer)
      .catch((error: unknown) => {
        const { status, body } = errorBody(error);
        return Response.json(body, { status });
      })
      .then((response) => send(response, outgoing))
      .catch(() => outgoing.destroy());
  });
}

/** Rejects with an `AskError` when the request line makes no request. */
async function read(incoming: IncomingMessage, signal: AbortSignal): Promise<Request> {
  try {
    return requestOf(incoming, signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AskError(400, "invalid_request", why);
  }
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = "GET", url = "/", headers } = incoming;
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
  );
  const bare = method === "GET" || method === "HEAD";
  return new Request(new URL(url, "http://engine"), {
    method,
    headers: pairs.map(([name, value]) => [name, value]),
    signal,
    ...(bare ? {} : { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" }),
  });
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  else {
    outgoing.flushHeaders();
    await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing);
  }
}
