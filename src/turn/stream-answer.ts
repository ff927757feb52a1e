import { collectAnswer } from "../core/chat-frames.ts";
import { answerKey } from "../core/prefix.ts";
import { after } from "./after.ts";
import { correctFrame, usageCorrection } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { forClientOf } from "./for-client.ts";
import { type KeptTaker, keptTaker } from "./kept.ts";
import { finish } from "./legs.ts";
import type { Attempt } from "./try.ts";
import { failedOutcome, type Renderer } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import { relay, type Relayed } from "./relay.ts";
import type { Tried } from "./run-turn.ts";
import { settle } from "./settle.ts";

const KEEP_ALIVE = new TextEncoder().encode(": keep-alive\n\n");

/** Step 7 for an event stream: comments while prefill is silent, then the engine's frames, then the end. Never throws. */
export async function streamAnswer(
  deps: TurnDeps,
  turn: Prepared,
  work: Promise<Tried>,
  silent: boolean,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  render: Renderer,
): Promise<void> {
  const tried = silent ? await keepAlive(deps, turn, work, sink) : await work;
  const { result } = tried;
  if (!result.ok) {
    await settle(deps, turn, failedOutcome(deps, turn, tried, result.failure), undefined);
    if (turn.signal.aborted) return void sink.abort().catch(() => {});
    await sink.write(new TextEncoder().encode(render.errorFrame(result.failure))).catch(() => {});
    await sink.close().catch(() => {});
    return;
  }
  const collector = collectAnswer();
  let settling: Promise<void> | undefined;
  const taker = keptTaker(deps, turn, result.answer);
  const forClient = forClientOf(deps, turn, result.answer);
  const correct = usageCorrection(deps, turn, result, deps.settings.settleHoldMs);
  await relay(result.body, sink, {
    signal: turn.signal,
    dropUsage: !turn.request.includeUsage,
    correct: correct && ((frame) => correctFrame(frame, correct)),
    take: (frame) => forClient.frame(taker?.takeFrame(frame) ?? frame),
    collector,
    told: deps.capabilities(turn.dialectOf(result.answer.grant.pool)).told,
    settle(relayed) {
      settling ??= settleStream(deps, turn, tried, result, relayed, collector.answer(), taker);
      return Promise.race([settling, after(deps.settings.settleHoldMs)]).then(() => {});
    },
    errorFrame: (why) => render.errorFrame({ kind: "status", message: why }),
  });
  await settling;
}

const LEG_OUTCOMES = { completed: "served", failed: "failed", cancelled: "cancelled" } as const;

function settleStream(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  served: Extract<Attempt, { ok: true }>,
  relayed: Relayed,
  answer: Parameters<typeof answerKey>[0] | undefined,
  taker: KeptTaker | undefined,
): Promise<void> {
  const { usage, why, tokenFrames, told } = relayed;
  const status = { complete: "completed", broken: "failed", "client-left": "cancelled" } as const;
  const ended = status[relayed.ended];
  finish(deps, served.answer, LEG_OUTCOMES[ended], { usage, why, tokenFrames, told });
  const kept = usage && taker?.kept(usage.promptTokens, usage.outputTokens);
  const handle = taker?.handle();
  const outcome = {
    status: ended,
    ...(kept && { kept }),
    ...(handle !== undefined && { handle }),
    ...(why !== undefined && { error: why }),
    tried,
    served,
    outputTokens: usage?.outputTokens ?? tokenFrames,
    outputKnown: usage ? ("reported" as const) : ("derived" as const),
    endedAt: deps.now(),
  };
  const whole = ended === "completed" && answer !== undefined;
  return settle(deps, turn, outcome, whole ? answerKey(answer) : undefined);
}

/** Writes a comment at once and then every interval, until the legs have an answer or the client is gone. */
async function keepAlive(
  deps: TurnDeps,
  turn: Prepared,
  work: Promise<Tried>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
): Promise<Tried> {
  while (!turn.signal.aborted) {
    // A client that does not read holds the comment back; its answer must not wait for that.
    sink.write(KEEP_ALIVE).catch(() => {});
    const next = await Promise.race([work, after(deps.settings.keepAliveMs)]);
    if (next !== "silence") return next;
  }
  return work;
}
