import { type AnswerCollector, readChunkUsage, withCachedTokens } from "../core/chat-frames.ts";
import { rawMembers } from "../core/json-members.ts";
import type { BrokenOff } from "../core/request-traits.ts";
import { frameData, withFrameData } from "../core/sse.ts";
import type { TurnDeps } from "./deps.ts";
import { finish, type LegRun } from "./legs.ts";
import type { Sequel } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import type { Relayed } from "./relay.ts";
import { planTurn, tryPlacements, type Tried } from "./run-turn.ts";
import { sequelChunks, wholeUsage, withWholeUsage } from "./sequel-frames.ts";
import { type SequelRequest, sequelRequest } from "./sequel-request.ts";

/** An answer that breaks off more often is given up. */
const MOST_SEQUELS = 3;

/** A streamed answer, as it stands when its engine is lost. */
export type Interrupted = {
  readonly tried: Tried;
  /** The leg that was lost. */
  readonly lost: LegRun;
  readonly relayed: Relayed;
  readonly collector: AnswerCollector;
  /** What went on with it before. */
  readonly sequels: readonly Sequel[];
};

/**
 * Ends the leg that was lost and has its answer go on at another engine, planned and granted anew; undefined where that
 * may not be or nobody is left for it. `waiting` is given what the client has to wait for.
 */
export async function goOn(
  deps: TurnDeps,
  turn: Prepared,
  interrupted: Interrupted,
  waiting: (work: Promise<Tried>) => Promise<Tried>,
): Promise<Sequel | undefined> {
  const { tried, lost, relayed, sequels } = interrupted;
  const { path, traits, bytes } = turn.request;
  const brokenOff = { path, traits, raw: rawMembers(bytes) };
  const request = requestOf(deps, turn, interrupted, brokenOff);
  if (request === undefined) return undefined;
  const { usage, why, tokenFrames, told } = relayed;
  finish(deps, lost, "failed", { usage, why, tokenFrames, told });
  const avoid = new Set([
    ...sequels.map((one) => one.lost),
    lost.grant.engine,
    ...unable(deps, turn, brokenOff),
  ]);
  const asking = turnOf(turn, request, sequels.length + 1);
  const planned = planTurn(deps, asking, avoid);
  if (planned.placements.length === 0) return undefined;
  const work = tryPlacements(deps, asking, planned, { runs: tried.runs, avoid });
  const { result, plan } = await waiting(work);
  return result.ok
    ? { served: result, input: plan.input, lost: lost.grant.engine, request }
    : undefined;
}

function requestOf(
  deps: TurnDeps,
  turn: Prepared,
  { lost, relayed, collector, sequels }: Interrupted,
  brokenOff: BrokenOff,
): SequelRequest | undefined {
  const begun = collector.begun();
  if (begun === undefined || sequels.length >= MOST_SEQUELS) return undefined;
  if (!mayContinue(deps, brokenOff, lost.grant.pool)) return undefined;
  const last = turn.request.messages.at(-1) as { readonly role?: unknown } | undefined;
  if (last?.role === "assistant") return undefined;
  const before = sequels.at(-1)?.request.from ?? 0;
  const tokens = before + (relayed.usage?.outputTokens ?? relayed.tokenFrames);
  return sequelRequest(turn.request.bytes, { text: begun.text, tokens });
}

function mayContinue(deps: TurnDeps, brokenOff: BrokenOff, pool: string): boolean {
  const { dialect = "", continues } = deps.fleet.pools.get(pool) ?? {};
  const known = deps.capabilities(dialect);
  return (continues ?? known.continues) && known.canContinue(brokenOff);
}

/** Engines that would take what was said for a message that is over. */
function unable(deps: TurnDeps, turn: Prepared, brokenOff: BrokenOff): string[] {
  const pools = [...deps.fleet.pools.values()].filter(({ model }) => model === turn.model.id);
  return pools
    .filter(({ id }) => !mayContinue(deps, brokenOff, id))
    .flatMap(({ engines }) => engines.map(({ id }) => id));
}

/** The turn that asks for the rest. What was delivered is in nobody's cache: it is prompt that nobody holds. */
function turnOf(turn: Prepared, { bytes, from }: SequelRequest, number: number): Prepared {
  // A handle serves once.
  const { kept: _used, ...ask } = turn.ask;
  return {
    ...turn,
    requestId: `${turn.requestId}-s${number}`,
    request: { ...turn.request, bytes },
    ask: {
      ...ask,
      promptTokens: ask.promptTokens + from,
      expectedOutputTokens: Math.max(1, ask.expectedOutputTokens - from),
      bodyBytes: bytes.byteLength,
    },
  };
}

/** How a sequel's events become those of the answer that it goes on with; `cachedTokens` as the first legs told. */
export function asOneAnswer(
  collector: AnswerCollector,
  { request }: Sequel,
  cachedTokens: number | undefined,
) {
  return {
    rewrite: sequelChunks(collector.begun()?.firstChunk ?? "{}", request),
    correct: async (frame: Uint8Array): Promise<Uint8Array> => {
      const data = frameData(frame) ?? "";
      const usage = readChunkUsage(data);
      if (usage === undefined) return frame;
      const whole = withWholeUsage(new TextEncoder().encode(data), wholeUsage(usage, request));
      const json = withCachedTokens(whole, cachedTokens);
      return withFrameData(frame, new TextDecoder().decode(json));
    },
  };
}
