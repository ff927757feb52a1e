import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { OnceKept, OnceReply } from "../rpc/once-messages.ts";
import { keyedName } from "../turn/session-name.ts";
import type { HttpEnv } from "./env.ts";
import { keepAnswer } from "./keep-answer.ts";
import { readBody } from "./read-body.ts";
import { refuse } from "./refuse.ts";

const HEADER = "idempotency-key";
const MAX_KEY_CHARS = 255;
const RENEW_MS = 15_000;
/** What is told to whoever has waited, s. */
const RETRY_AFTER_S = 5;

/**
 * Runs a request with an `idempotency-key` once and answers every other of that key as the first was answered. Without
 * the header it does nothing.
 */
export const once = createMiddleware<HttpEnv>(async (c, next) => {
  const key = c.req.header(HEADER);
  if (key === undefined) return next();
  if (key === "" || key.length > MAX_KEY_CHARS) {
    const message = `An idempotency key has 1 to ${MAX_KEY_CHARS} characters.`;
    return refuse(c, "invalid_request", message, HEADER);
  }
  const mesh = c.get("mesh");
  const body = await readBody(c.req.raw.clone(), mesh.maxBodyBytes);
  // Its route says what is wrong with it.
  if (typeof body === "string") return next();
  const name = await keyedName(c.get("tenant"), key);
  const run = c.get("requestId");
  const claimed = await claim(c, name, await fingerprintOf(c.req.path, body), run);
  if (claimed?.kind === "answered") return replayed(claimed);
  if (claimed?.kind !== "run") return notRun(c, claimed?.kind);
  const renewal = setInterval(() => {
    c.executionCtx.waitUntil(mesh.once.renew(name, run));
  }, RENEW_MS);
  const ended = async (answer?: OnceKept | "too-large") => {
    clearInterval(renewal);
    await mesh.once.end(name, { v: 1, run, ...(answer !== undefined && { answer }) });
  };
  let isComplete = false;
  c.set("once", { name, ended: (status) => (isComplete = status === "completed") });
  await next();
  if (!c.res.ok || c.res.body === null) return ended();
  const { response, kept } = keepAnswer(c.res, mesh.maxKeptAnswerBytes, () => isComplete);
  c.executionCtx.waitUntil(kept.then(ended));
  c.res = response;
});

/** What to do, once nobody else runs it or the wait is over; undefined when nobody can tell. */
async function claim(c: Context<HttpEnv>, name: string, fingerprint: string, run: string) {
  const { once: keys, onceWaitMs } = c.get("mesh");
  const giveUpAt = Date.now() + onceWaitMs;
  for (;;) {
    const waitMs = Math.max(0, giveUpAt - Date.now());
    const claimed = await keys.claim(name, { v: 1, fingerprint, run, waitMs });
    if (claimed?.kind !== "running" || Date.now() >= giveUpAt) return claimed;
    if (c.req.raw.signal.aborted) return claimed;
  }
}

type Refused = Exclude<Extract<OnceReply, { ok: true }>["kind"], "run" | "answered"> | undefined;

function notRun(c: Context<HttpEnv>, why: Refused): Response {
  if (why === "other-request") {
    const message = "This idempotency key was sent before with another request.";
    return refuse(c, "idempotency_key_reused", message, HEADER);
  }
  if (why === "too-large") {
    const message = `The request of this idempotency key was answered, and its answer was over ${c.get("mesh").maxKeptAnswerBytes} bytes and is not kept.`;
    return refuse(c, "idempotency_answer_too_large", message, HEADER);
  }
  const response =
    why === "running"
      ? refuse(
          c,
          "idempotency_in_progress",
          "The request of this idempotency key still runs.",
          HEADER,
        )
      : refuse(
          c,
          "idempotency_unavailable",
          "Nobody can tell whether this request has run.",
          HEADER,
        );
  response.headers.set("retry-after", String(RETRY_AFTER_S));
  return response;
}

function replayed({ status, headers, body }: OnceKept): Response {
  const response = new Response(new Uint8Array(body), { status, headers });
  response.headers.set("idempotent-replayed", "true");
  return response;
}

async function fingerprintOf(path: string, body: Uint8Array): Promise<string> {
  const head = new TextEncoder().encode(`${path}\n`);
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
