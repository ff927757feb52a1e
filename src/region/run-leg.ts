import type { Fleet } from "../core/fleet.ts";
import { rawMember, splice, topLevelMembers } from "../core/json-members.ts";
import type { Dialect } from "../engines/dialect.ts";
import { dialectOf } from "../engines/registry.ts";
import { createDeadline, LegBroken, untilFirstContent, type Deadline } from "./leg-stream.ts";
import { redact } from "./redact.ts";
import { retryAfterMs } from "./retry-after.ts";
import { isWholeAnswer } from "./whole-answer.ts";
import type { LegAnswer, LegFailure, LegOrder } from "./service.ts";

export type EngineAccess = {
  readonly fleet: Fleet;
  readonly engineFetch: typeof fetch;
  /** Looks a secret up by the name `mesh.json` gives it. */
  readonly secret: (name: string) => string | undefined;
};

/** Longest answer of a prefill leg or error body that is read, bytes. */
const MAX_SMALL_BODY = 8 * 1024 * 1024;

/** Sends one leg to its engine. Never throws: every end is a value. */
export async function runLeg(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const aborter = new AbortController();
  const deadline = createDeadline(order.firstTokenTimeoutMs, order.idleTimeoutMs, () =>
    aborter.abort(),
  );
  const whole = AbortSignal.any([signal, aborter.signal]);
  try {
    const { request, dialect } = engineRequest(access, order);
    const response = await deadline.race(
      access.engineFetch(request.url, { ...request.init, signal: whole }),
    );
    const answer = await readAnswer(order, dialect, response, deadline);
    return answer.ok
      ? answer
      : { ok: false, failure: withoutSecrets(answer.failure, access, order) };
  } catch (error) {
    deadline.clear();
    return { ok: false, failure: withoutSecrets(failureOf(error, signal), access, order) };
  }
}

function engineRequest({ fleet, secret }: EngineAccess, order: LegOrder) {
  const found = engineOf(fleet, order.engine);
  if (found === undefined) {
    throw new LegBroken("unreachable", `engine ${order.engine} is not in mesh.json any more`);
  }
  const { pool, engine } = found;
  const dialect = dialectOf(pool.dialect);
  const members = topLevelMembers(order.body);
  const edits = dialect.edits(order.leg, {
    present: new Set(members.map(({ name }) => name)),
    raw: (name) => rawMember(order.body, [name]),
    stream: order.stream,
    model: pool.model,
    ...(order.handoff !== undefined && { handoff: { raw: order.handoff } }),
    ...(order.cacheSalt !== undefined &&
      (pool.cacheSalt ?? dialect.takesCacheSalt) && { cacheSalt: order.cacheSalt }),
  });
  const key = engine.apiKeySecret === undefined ? undefined : secret(engine.apiKeySecret);
  return {
    dialect,
    request: {
      url: engine.url.replace(/\/$/, "") + order.path,
      init: {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...dialect.headers(order.leg, order.requestId),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
        },
        body: splice(order.body, members, edits),
        // An engine that answers with a redirect would choose where the prompt goes.
        redirect: "manual" as const,
      },
    },
  };
}

function engineOf(fleet: Fleet, id: string) {
  const pool = fleet.pools.get(id.slice(0, id.lastIndexOf("/")));
  const engine = pool?.engines.find((candidate) => candidate.id === id);
  return pool && engine && { pool, engine };
}

/** What an engine says of a failure goes to callers and receipts: its address and our key must not. */
function withoutSecrets(failure: LegFailure, { fleet, secret }: EngineAccess, order: LegOrder) {
  const engine = engineOf(fleet, order.engine)?.engine;
  if (engine === undefined) return failure;
  const key = engine.apiKeySecret === undefined ? undefined : secret(engine.apiKeySecret);
  const { host, hostname } = new URL(engine.url);
  const names = hostname.includes(".") ? [host, hostname] : [host];
  return redact(failure, [engine.url, ...names, ...(key ? [key] : [])]);
}

async function readAnswer(
  order: LegOrder,
  dialect: Dialect,
  response: Response,
  deadline: Deadline,
): Promise<LegAnswer> {
  if (!response.ok || response.body === null) {
    return { ok: false, failure: await refusal(response, deadline) };
  }
  const contentType = response.headers.get("content-type") ?? "";
  if (order.leg === "prefill") {
    const body = await deadline.race(readSmall(response.body));
    deadline.clear();
    const { handoff, usage } = dialect.readPrefill(body);
    return { ok: true, kind: "prefilled", handoff: handoff?.raw, usage };
  }
  const wanted = order.stream ? "text/event-stream" : "application/json";
  if (!contentType.startsWith(wanted)) {
    await response.body.cancel();
    throw new LegBroken("malformed", `expected ${wanted}, got ${contentType || "no content type"}`);
  }
  if (order.stream) {
    const body = await untilFirstContent(response.body, deadline);
    return { ok: true, kind: "answering", contentType, body };
  }
  const bytes = await deadline.race(readSmall(response.body));
  deadline.clear();
  if (!isWholeAnswer(bytes)) throw new LegBroken("malformed", "the answer is no completion");
  return { ok: true, kind: "answering", contentType, body: streamOf(bytes) };
}

async function refusal(response: Response, deadline: Deadline): Promise<LegFailure> {
  const body = response.body ? await deadline.race(readSmall(response.body)) : new Uint8Array();
  deadline.clear();
  const { status } = response;
  const waitMs = retryAfterMs(response.headers, Date.now());
  return {
    kind: kindOf(status),
    status,
    message: `the engine answered ${status}`,
    body,
    contentType: response.headers.get("content-type") ?? "application/json",
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/** Which statuses are of the caller's making. Our own key being refused is not. */
function kindOf(status: number): LegFailure["kind"] {
  if (status === 429 || status === 503 || status === 529) return "overloaded";
  const ours = [401, 402, 403, 404, 405, 407, 408, 409];
  return status >= 400 && status < 500 && !ours.includes(status) ? "caller" : "status";
}

function failureOf(error: unknown, signal: AbortSignal): LegFailure {
  if (signal.aborted) return { kind: "aborted", message: "the caller left" };
  if (error instanceof LegBroken) return { kind: error.kind, message: error.message };
  if (error instanceof SyntaxError) return { kind: "malformed", message: error.message };
  return { kind: "unreachable", message: error instanceof Error ? error.message : String(error) };
}

async function readSmall(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_SMALL_BODY)
      throw new LegBroken("malformed", `answer over ${MAX_SMALL_BODY} bytes`);
    chunks.push(chunk);
  }
  if (chunks.length === 1 && chunks[0]) return chunks[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}
