import { collectAnswer } from "../core/chat-frames.ts";
import { answerKey } from "../core/prefix.ts";
import { after } from "./after.ts";
import { cachedFigure, correctFrame, usageCorrection } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { forClientOf } from "./for-client.ts";
import { asOneAnswer, goOn } from "./go-on.ts";
import { type KeptTaker, keptTaker } from "./kept.ts";
import { finish, type LegRun } from "./legs.ts";
import { failedOutcome, type Outcome, type Renderer, type Sequel } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import { relay, type Relayed } from "./relay.ts";
import type { Tried } from "./run-turn.ts";
import { wholeUsage } from "./sequel-frames.ts";
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
  const correct = usageCorrection(deps, turn, result, deps.settings.settleHoldMs);
  const sequels: Sequel[] = [];
  let { taker, ...leg } = relayedLeg(deps, turn, result.answer);
  await relay(result.body, sink, {
    ...leg,
    signal: turn.signal,
    dropUsage: !turn.request.includeUsage,
    correct: correct && ((frame) => correctFrame(frame, correct)),
    collector,
    async goOn(relayed) {
      const lost = (sequels.at(-1)?.served ?? result).answer;
      const interrupted = { tried, lost, relayed, collector, sequels };
      const sequel = await goOn(deps, turn, interrupted, (work) => lively(deps, turn, work, sink));
      if (sequel === undefined) return undefined;
      ({ taker, ...leg } = relayedLeg(deps, turn, sequel.served.answer));
      sequels.push(sequel);
      const cachedTokens = cachedFigure(deps, turn, result);
      return { ...leg, ...asOneAnswer(collector, sequel, cachedTokens), body: sequel.served.body };
    },
    settle(relayed) {
      const legs = { tried, served: result, sequels };
      settling ??= settleStream(deps, turn, legs, relayed, collector.answer(), taker);
      return Promise.race([settling, after(deps.settings.settleHoldMs)]).then(() => {});
    },
    errorFrame: (why) => render.errorFrame({ kind: "status", message: why }),
  });
  await settling;
}

/** How an engine's events become the client's, and what it keeps for the next turn. */
function relayedLeg(deps: TurnDeps, turn: Prepared, answer: LegRun) {
  const taker = keptTaker(deps, turn, answer);
  const forClient = forClientOf(deps, turn, answer);
  return {
    taker,
    take: (frame: Uint8Array) => forClient.frame(taker?.takeFrame(frame) ?? frame),
    told: deps.capabilities(turn.dialectOf(answer.grant.pool)).told,
  };
}

const LEG_OUTCOMES = { completed: "served", failed: "failed", cancelled: "cancelled" } as const;

function settleStream(
  deps: TurnDeps,
  turn: Prepared,
  { sequels, ...legs }: Required<Pick<Outcome, "tried" | "served" | "sequels">>,
  relayed: Relayed,
  answer: Parameters<typeof answerKey>[0] | undefined,
  taker: KeptTaker | undefined,
): Promise<void> {
  const { usage, why, tokenFrames, told } = relayed;
  const status = { complete: "completed", broken: "failed", "client-left": "cancelled" } as const;
  const ended = status[relayed.ended];
  const sequel = sequels.at(-1);
  const last = sequel?.served ?? legs.served;
  finish(deps, last.answer, LEG_OUTCOMES[ended], { usage, why, tokenFrames, told });
  const whole = sequel && usage ? wholeUsage(usage, sequel.request) : usage;
  const kept = usage && taker?.kept(usage.promptTokens, usage.outputTokens);
  const handle = taker?.handle();
  const outcome = {
    status: ended,
    ...(kept && { kept }),
    ...(handle !== undefined && { handle }),
    ...(why !== undefined && { error: why }),
    ...legs,
    ...(sequel && { sequels }),
    ...(sequel && whole && { promptTokens: whole.promptTokens }),
    outputTokens: whole?.outputTokens ?? (sequel?.request.from ?? 0) + tokenFrames,
    outputKnown: usage && !sequel ? ("reported" as const) : ("derived" as const),
    endedAt: deps.now(),
  };
  const isWhole = ended === "completed" && answer !== undefined;
  return settle(deps, turn, outcome, isWhole ? answerKey(answer) : undefined);
}

/** Comments as soon as the client has waited long for another engine to go on. */
async function lively(
  deps: TurnDeps,
  turn: Prepared,
  work: Promise<Tried>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
): Promise<Tried> {
  const early = await Promise.race([work, after(deps.settings.keepAliveMs)]);
  return early === "silence" ? keepAlive(deps, turn, work, sink) : early;
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
