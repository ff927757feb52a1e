import { collectAnswer, readChunkUsage } from "../core/chat-frames.ts";
import { rawMember } from "../core/json-members.ts";
import { answerKey } from "../core/prefix.ts";
import type { LegFailure } from "../region/service.ts";
import type { Outcome } from "./build-receipt.ts";
import type { TurnDeps } from "./deps.ts";
import { finish, type Attempt } from "./legs.ts";
import type { Prepared } from "./prepare.ts";
import { relay, type Relayed } from "./relay.ts";
import { routeOf, timingOf } from "./route.ts";
import { planTurn, tryPlacements, type Tried } from "./run-turn.ts";
import { settle } from "./settle.ts";

/** Why a turn has no answer. */
export type TurnFailure = LegFailure;

/** How a turn answers, in the caller's API's own shape. */
export type Renderer = {
  failure(failure: LegFailure): Response;
  /** One frame of an event stream that tells of an error after headers were sent. */
  errorFrame(failure: Pick<LegFailure, "kind" | "message">): string;
};

type Served = Extract<Attempt, { ok: true }>;

const KEEP_ALIVE = new TextEncoder().encode(": keep-alive\n\n");

/** Steps 5 to 8 of a request's life, from a prepared turn to its answer. */
export async function answerTurn(
  deps: TurnDeps,
  turn: Prepared,
  render: Renderer,
): Promise<Response> {
  const first = planTurn(deps, turn);
  const work = tryPlacements(deps, turn, first);
  if (!turn.request.stream) return answerWhole(deps, turn, await work, render);
  const early = await Promise.race([work, after(deps.settings.keepAliveMs)]);
  if (early !== "silence" && !early.result.ok) {
    return failTurn(deps, turn, early, early.result.failure, render);
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: 16,
  });
  const sink = writable.getWriter();
  const pump = stream(deps, turn, work, early === "silence", sink, render);
  deps.waitUntil(pump);
  const placement =
    early === "silence" || !early.result.ok ? first.placements[0] : early.result.placement;
  const served = early !== "silence" && early.result.ok ? early.result : undefined;
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      ...(placement && { "phaseway-route": routeOf(placement, served) }),
      "server-timing": timingOf(deps, turn, served),
    },
  });
}

async function stream(
  deps: TurnDeps,
  turn: Prepared,
  work: Promise<Tried>,
  silent: boolean,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  render: Renderer,
): Promise<void> {
  const tried = silent ? await keepAlive(deps, work, sink) : await work;
  const { result } = tried;
  if (!result.ok) {
    await settle(deps, turn, failedOutcome(deps, turn, tried, result.failure), undefined);
    await sink.write(new TextEncoder().encode(render.errorFrame(result.failure))).catch(() => {});
    await sink.close().catch(() => {});
    return;
  }
  const collector = collectAnswer();
  let settling: Promise<void> | undefined;
  const settleOnce = (relayed: Relayed) => {
    settling ??= settleStream(deps, turn, tried, result, relayed, collector.answer());
    return Promise.race([settling, after(deps.settings.settleHoldMs)]).then(() => {});
  };
  await relay(result.body, sink, (why) => render.errorFrame({ kind: "status", message: why }), {
    dropUsage: !turn.request.includeUsage,
    collector,
    settle: settleOnce,
  });
  await settling;
}

function settleStream(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  served: Served,
  relayed: Relayed,
  answer: Parameters<typeof answerKey>[0] | undefined,
): Promise<void> {
  const complete = relayed.ended === "complete";
  const status = complete ? "completed" : relayed.ended === "broken" ? "failed" : "cancelled";
  finish(
    deps,
    served.answer,
    complete ? "served" : status === "failed" ? "failed" : "cancelled",
    relayed.usage,
    relayed.why,
  );
  const outcome: Outcome = {
    status,
    ...(relayed.why !== undefined && { error: relayed.why }),
    plan: tried.plan,
    runs: tried.runs,
    served,
    outputTokens: relayed.usage?.outputTokens ?? relayed.contentFrames,
    outputKnown: relayed.usage ? "reported" : "derived",
    endedAt: deps.now(),
  };
  return settle(deps, turn, outcome, complete && answer ? answerKey(answer) : undefined);
}

async function answerWhole(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  render: Renderer,
): Promise<Response> {
  const { result } = tried;
  if (!result.ok) return failTurn(deps, turn, tried, result.failure, render);
  const bytes = new Uint8Array(await new Response(result.body).arrayBuffer());
  const usage = readChunkUsage(`{"usage":${rawMember(bytes, ["usage"]) ?? "null"}}`);
  finish(deps, result.answer, "served", usage);
  const answer = firstMessage(bytes);
  const outcome: Outcome = {
    status: "completed",
    plan: tried.plan,
    runs: tried.runs,
    served: result,
    outputTokens: usage?.outputTokens ?? 0,
    outputKnown: usage ? "reported" : "assumed",
    endedAt: deps.now(),
  };
  const settling = settle(deps, turn, outcome, answer && answerKey(answer));
  deps.waitUntil(settling);
  await Promise.race([settling, after(deps.settings.settleHoldMs)]);
  return new Response(bytes, {
    headers: {
      "content-type": result.contentType,
      "phaseway-route": routeOf(result.placement, result),
      "server-timing": timingOf(deps, turn, result),
    },
  });
}

async function failTurn(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  failure: LegFailure,
  render: Renderer,
) {
  deps.waitUntil(settle(deps, turn, failedOutcome(deps, turn, tried, failure), undefined));
  const response = render.failure(failure);
  response.headers.set("server-timing", timingOf(deps, turn, undefined));
  const planned = tried.plan.placements[0];
  if (planned !== undefined) response.headers.set("phaseway-route", routeOf(planned, undefined));
  return response;
}

function failedOutcome(deps: TurnDeps, turn: Prepared, tried: Tried, failure: LegFailure): Outcome {
  return {
    status: turn.signal.aborted ? "cancelled" : "failed",
    error: failure.message,
    plan: tried.plan,
    runs: tried.runs,
    outputTokens: 0,
    outputKnown: "assumed",
    endedAt: deps.now(),
  };
}

function firstMessage(bytes: Uint8Array): Parameters<typeof answerKey>[0] | undefined {
  const raw = rawMember(bytes, ["choices"]);
  const choices: unknown = raw === undefined ? undefined : JSON.parse(raw);
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const message =
    typeof first === "object" && first !== null
      ? (first as { message?: unknown }).message
      : undefined;
  return typeof message === "object" && message !== null
    ? (message as Parameters<typeof answerKey>[0])
    : undefined;
}

/** Writes a comment at once and then every interval, until the legs have an answer or the client is gone. */
async function keepAlive(
  deps: TurnDeps,
  work: Promise<Tried>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
): Promise<Tried> {
  for (;;) {
    try {
      await sink.write(KEEP_ALIVE);
    } catch {
      return work;
    }
    const next = await Promise.race([work, after(deps.settings.keepAliveMs)]);
    if (next !== "silence") return next;
  }
}

function after(ms: number): Promise<"silence"> {
  return new Promise((resolve) => setTimeout(() => resolve("silence"), ms));
}
