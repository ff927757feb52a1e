import { completionAsStream } from "../core/completion-as-stream.ts";
import type { ToldLimits } from "../core/hosted/limits.ts";
import type { Dialect } from "../engines/dialect.ts";
import { readRateLimits } from "../engines/load/rate-limits.ts";
import { retryAfterMs } from "../engines/load/retry-after.ts";
import { encodersFor } from "./encoders.ts";
import { type EngineAccess, engineRequest, withoutSecrets } from "./engine-request.ts";
import { dialectOf } from "../engines/registry.ts";
import { forget, learn, NotTold, remember } from "./learned.ts";
import {
  createDeadline,
  CutShort,
  LegBroken,
  untilFirstContent,
  type Deadline,
} from "./leg-stream.ts";
import { MAX_VECTORS, readSmall } from "./read-small.ts";
import { loadTold } from "./told-load.ts";
import { isWholeAnswer, isWholeEmbedding } from "./whole-answer.ts";
import type { LegAnswer, LegFailure, LegOrder } from "./service.ts";

/** Sends one leg to its engine. Never throws: every end is a value. */
export async function runLeg(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const answer = await tryPulling(access, order, signal);
  const { pins, ...unpinned } = order;
  const isPinned = pins?.[order.engine] !== undefined;
  if (answer.ok || !isPinned || !MAY_BE_PINNED_TO_NONE.has(answer.failure.kind)) return answer;
  return tryPulling(access, unpinned, signal);
}

/** An engine that will not pull from where it was told is asked to compute instead. */
async function tryPulling(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const answer = await tryLeg(access, order, signal);
  const { pull, ...computing } = order;
  if (answer.ok || pull === undefined || answer.failure.kind !== "caller") return answer;
  const computed = await tryLeg(access, computing, signal);
  return computed.ok ? { ...computed, refusedPull: true } : computed;
}

/** How endpoints answer for engines that served last time and are there no more. */
const MAY_BE_PINNED_TO_NONE: ReadonlySet<LegFailure["kind"]> = new Set([
  "caller",
  "status",
  "overloaded",
]);

async function tryLeg(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const aborter = new AbortController();
  const deadline = createDeadline(order.firstTokenTimeoutMs, order.idleTimeoutMs, () =>
    aborter.abort(),
  );
  const whole = AbortSignal.any([signal, aborter.signal]);
  let answer: LegAnswer;
  try {
    answer = await send(access, order, deadline, whole);
    remember(access, order, answer);
  } catch (error) {
    deadline.clear();
    answer = { ok: false, failure: failureOf(error, signal, order) };
    forget(access, order, answer.failure);
  }
  if (answer.ok) return answer;
  const { failure } = answer;
  const blames = failure.blames ?? whomBlames(access, order, failure);
  return {
    ...answer,
    failure: { ...withoutSecrets(failure, access, order), ...(blames && { blames }) },
  };
}

/**
 * Only the legs of a split have another to blame, and only decode fails for what prefill did where it does not tell;
 * but any leg may fail for what was to encode its media.
 */
function whomBlames(
  { fleet }: EngineAccess,
  order: LegOrder,
  { kind, message, body }: LegFailure,
): LegFailure["blames"] {
  if (kind !== "status" && kind !== "malformed") return undefined;
  const pool = fleet.pools.get(order.engine.slice(0, order.engine.lastIndexOf("/")));
  if (pool === undefined) return undefined;
  const { blamesOther, encodes } = dialectOf(pool.dialect);
  const text = body ? new TextDecoder().decode(body.subarray(0, MOST_SAID)) : "";
  const said = `${message} ${text}`;
  if (encodersFor(fleet, order).length > 0 && encodes?.blames(said)) return "encoder";
  if (!isOfSplit(order)) return undefined;
  if (blamesOther === undefined) return order.leg === "decode" ? "either" : undefined;
  return blamesOther(said) ? "other" : undefined;
}

function isOfSplit({ split, handoff }: LegOrder): boolean {
  return split !== undefined || handoff !== undefined;
}

/** Bytes of an error body that are looked at for whom it blames. */
const MOST_SAID = 4096;

async function send(
  access: EngineAccess,
  order: LegOrder,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const learned = await deadline.race(learn(access, order, signal));
  const request = engineRequest(access, order, learned);
  if (request === undefined) {
    deadline.clear();
    return { ok: true, kind: "declined" };
  }
  const { url, init, dialect } = request;
  const response = await deadline.race(access.engineFetch(url, { ...init, signal }));
  const beganAt = Date.now();
  const load = loadTold(response.headers);
  const answer = await readAnswer(order, dialect, response, deadline);
  const told = {
    ...limitsOf(response),
    ...(load !== undefined && Date.now() - beganAt <= MOMENT_MS && { load }),
  };
  return answer.ok && answer.kind === "declined" ? answer : { ...answer, ...told };
}

/** What a hosted API tells of its limits, where it tells any. */
function limitsOf({ headers }: Response): { readonly rateLimits?: ToldLimits } {
  const rateLimits = readRateLimits(headers, Date.now());
  const isTold = Object.values(rateLimits).some(({ remaining }) => remaining !== undefined);
  return isTold ? { rateLimits } : {};
}

/** What an engine told before its answer began says nothing of now if that was longer ago, ms. */
const MOMENT_MS = 500;

async function readAnswer(
  order: LegOrder,
  dialect: Dialect,
  response: Response,
  deadline: Deadline,
): Promise<LegAnswer> {
  if (!response.ok || response.body === null) {
    const isSplit = order.leg !== "both";
    const failure = await refusal(response, deadline);
    const isTheirs = isSplit && dialect.failsAsCallers && failure.status === 400;
    return { ok: false, failure: isTheirs ? { ...failure, kind: "status" } : failure };
  }
  const contentType = response.headers.get("content-type") ?? "";
  if (order.leg === "prefill") {
    const body = await deadline.race(readSmall(response.body));
    deadline.clear();
    const { handoff, usage, final } = dialect.readPrefill(body);
    if (final) return answering(order.stream ? completionAsStream(final) : final, order.stream);
    const told = dialect.told?.(new TextDecoder().decode(body));
    return { ok: true, kind: "prefilled", handoff: handoff?.raw, usage, ...(told && { told }) };
  }
  const declines = order.cacheThreshold === undefined ? undefined : dialect.declines;
  const wanted = wantedType(order.stream);
  if (!contentType.startsWith(wanted)) {
    await response.body.cancel();
    throw new LegBroken("malformed", `expected ${wanted}, got ${contentType || "no content type"}`);
  }
  if (order.stream) {
    const body = await untilFirstContent(response.body, deadline, declines);
    return body === "declined"
      ? { ok: true, kind: "declined" }
      : { ok: true, kind: "answering", contentType, body };
  }
  if (order.embeds) return vectors(response.body, deadline, contentType);
  const bytes = await deadline.race(readSmall(response.body));
  deadline.clear();
  if (declines?.(new TextDecoder().decode(bytes))) return { ok: true, kind: "declined" };
  if (!isWholeAnswer(bytes)) throw new LegBroken("malformed", "the answer is no completion");
  return answering(bytes, order.stream, contentType);
}

async function vectors(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
  contentType: string,
): Promise<LegAnswer> {
  const bytes = await deadline.race(readSmall(body, MAX_VECTORS));
  deadline.clear();
  if (!isWholeEmbedding(bytes)) throw new LegBroken("malformed", "the answer has no vectors");
  return answering(bytes, false, contentType);
}

function answering(
  bytes: Uint8Array,
  stream: boolean,
  contentType: string = wantedType(stream),
): LegAnswer {
  return { ok: true, kind: "answering", contentType, body: streamOf(bytes) };
}

function wantedType(stream: boolean): string {
  return stream ? "text/event-stream" : "application/json";
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

function failureOf(error: unknown, signal: AbortSignal, order: LegOrder): LegFailure {
  if (signal.aborted) return { kind: "aborted", message: "the caller left" };
  if (error instanceof NotTold) {
    return { ...failureOf(error.cause, signal, order), blames: "other" };
  }
  if (error instanceof CutShort) {
    const failure = failureOf(error.cause, signal, order);
    // Some engines drop the connection when they do not get the blocks that they were promised.
    return order.leg === "decode" && isOfSplit(order) ? { ...failure, blames: "either" } : failure;
  }
  if (error instanceof LegBroken) return { kind: error.kind, message: error.message };
  if (error instanceof SyntaxError) return { kind: "malformed", message: error.message };
  return { kind: "unreachable", message: error instanceof Error ? error.message : String(error) };
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}
