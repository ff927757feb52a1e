import { readChunkUsage } from "../core/chat-frames.ts";
import { rawMember } from "../core/json-members.ts";
import { answerKey } from "../core/prefix.ts";
import { after } from "./after.ts";
import { usageCorrection } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { forClientOf } from "./for-client.ts";
import { keptTaker } from "./kept.ts";
import { finish } from "./legs.ts";
import { failedOutcome, type Outcome, type Renderer, type TurnFailure } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import { routeOf, timingOf } from "./route.ts";
import { planTurn, tryPlacements, type Tried } from "./run-turn.ts";
import { settle } from "./settle.ts";
import { streamAnswer } from "./stream-answer.ts";

/** Steps 5 to 8 of a request's life, from a prepared turn to its answer. */
export async function answerTurn(
  deps: TurnDeps,
  turn: Prepared,
  render: Renderer,
): Promise<Response> {
  const first = planTurn(deps, turn);
  const answering = turn.request.stream
    ? answerStream(deps, turn, first, render)
    : tryPlacements(deps, turn, first).then((tried) => answerWhole(deps, turn, tried, render));
  // A client that resets its connection ends the handler, but legs must still end safely and the turn be settled.
  deps.waitUntil(answering.catch(() => {}));
  return answering;
}

async function answerStream(
  deps: TurnDeps,
  request: Prepared,
  first: ReturnType<typeof planTurn>,
  render: Renderer,
): Promise<Response> {
  // Who stops reading has left, even where the connection's end was not seen yet.
  const leaver = new AbortController();
  const turn = { ...request, signal: AbortSignal.any([request.signal, leaver.signal]) };
  const work = tryPlacements(deps, turn, first);
  const early = await Promise.race([work, after(deps.settings.keepAliveMs)]);
  if (early !== "silence" && !early.result.ok) {
    return failTurn(deps, turn, early, early.result.failure, render);
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: 16,
  });
  const sink = writable.getWriter();
  sink.closed.catch(() => leaver.abort());
  deps.waitUntil(streamAnswer(deps, turn, work, early === "silence", sink, render));
  const served = early !== "silence" && early.result.ok ? early.result : undefined;
  const placement = served?.placement ?? first.placements[0];
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      ...(placement && { "phaseway-route": routeOf(placement, served) }),
      "server-timing": timingOf(deps, turn, served),
    },
  });
}

async function answerWhole(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  render: Renderer,
): Promise<Response> {
  const { result } = tried;
  if (!result.ok) return failTurn(deps, turn, tried, result.failure, render);
  const taker = keptTaker(deps, turn, result.answer);
  const whole = new Uint8Array(await new Response(result.body).arrayBuffer());
  const bytes = taker?.take(whole) ?? whole;
  const usage = readChunkUsage(`{"usage":${rawMember(bytes, ["usage"]) ?? "null"}}`);
  const { told } = deps.capabilities(turn.dialectOf(result.answer.grant.pool));
  finish(deps, result.answer, "served", { usage, told: told(new TextDecoder().decode(whole)) });
  const answer = firstMessage(bytes);
  const kept = usage && taker?.kept(usage.promptTokens, usage.outputTokens);
  const handle = taker?.handle();
  const outcome: Outcome = {
    status: "completed",
    ...(kept && { kept }),
    ...(handle !== undefined && { handle }),
    tried,
    served: result,
    outputTokens: usage?.outputTokens ?? 0,
    outputKnown: usage ? "reported" : "assumed",
    endedAt: deps.now(),
  };
  const settling = settle(deps, turn, outcome, answer && answerKey(answer));
  deps.waitUntil(settling);
  await Promise.race([settling, after(deps.settings.settleHoldMs)]);
  const correct = usageCorrection(deps, turn, result, deps.settings.settleHoldMs);
  const said = forClientOf(deps, turn, result.answer).whole(bytes);
  return new Response(correct ? await correct(said) : said, {
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
  failure: TurnFailure,
  render: Renderer,
) {
  deps.waitUntil(settle(deps, turn, failedOutcome(deps, turn, tried, failure), undefined));
  const response = render.failure(failure);
  response.headers.set("server-timing", timingOf(deps, turn, undefined));
  const planned = tried.plan.placements[0];
  if (planned !== undefined) response.headers.set("phaseway-route", routeOf(planned, undefined));
  return response;
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
