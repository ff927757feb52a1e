import type { LegKind } from "../leg.ts";
import type { Ask } from "../plan/placement.ts";
import { evictionRounds, TURNS_AHEAD } from "../plan/rounds.ts";
import { displacedMs } from "./displaced.ts";
import { type Foreign, foreignAt } from "./foreign.ts";
import { overdueMs } from "./overdue.ts";
import { pullFrom, type Source } from "./pull.ts";
import { overworkMs, workRatio } from "./recent-work.ts";
import { believed, distrust } from "./residency.ts";
import { crowdsOut } from "./returns.ts";
import { roomInMs, slotsAt } from "./room.ts";
import { type SessionHeld, heldTokens as heldTokensOf } from "./held.ts";
import { type EngineState, type PoolState, decodeFactor, prefillFactor } from "./region-state.ts";

/** What a caller asks of a region: an engine of `pool` for one leg. */
export type GrantAsk = {
  /** Minted by the caller, of its place in the queue and of its grant; the ledger mints its own where it is absent. */
  readonly ticket?: string;
  readonly requestId: string;
  readonly leg: LegKind;
  readonly pool: string;
  readonly ask: Ask;
  /** 8 bytes a link. */
  readonly chain: Uint8Array;
  /** Tokens up to and including each link. */
  readonly linkTokens: Uint32Array;
  readonly held: SessionHeld;
  /** Engines that have already failed this request. */
  readonly avoid: readonly string[];
  /** Prefix tokens that a handoff brings along. */
  readonly handedTokens: number;
};

/** What one request would see at one engine, ms and tokens. */
export type Offer = {
  readonly heldTokens: number;
  readonly queueMs: number;
  /** Work of others than this ledger's that waits there. */
  readonly foreignMs: number;
  /** What is fetched from another engine, and how long that takes. */
  readonly pull:
    | {
        readonly source: EngineState;
        readonly tokens: number;
        readonly movedTokens: number;
        readonly ms: number;
      }
    | undefined;
  /** Wait for a decode slot or for KV cache. */
  readonly slotMs: number;
  readonly modelledPrefillMs: number;
  readonly modelledStepMs: number;
  readonly decodeMs: number;
  readonly costMs: number;
  /** Recompute of those whose cache would make room, by the chance that they come back. */
  readonly evictedMs: number;
  /** It comes cold, and some of those had better stay. */
  readonly crowdsOut: boolean;
};

/** Requests that decode are held up by a prompt wherever it goes: per one more of them here, a share of its prefill. */
const HOLDS_UP = 0.005;
/** Batches even out while an answer is written: what this one adds to each of its steps now counts so much. */
const STEPS_NOW = 0.02;
/** A second copy of a prefix takes room that others have to be computed again for: this share of its own recompute. */
const KEPT_TWICE = 0.5;

/** Predicts one leg at one engine from the ledger; `sources` are whom it could pull from. */
export function offerOf(
  pool: PoolState,
  engine: EngineState,
  given: GrantAsk,
  keys: Float64Array,
  nowMs: number,
  sources: readonly Source[] = [],
): Offer {
  const { ask, linkTokens, held, handedTokens } = given;
  const tokens = Math.max(1, ask.promptTokens);
  const should = heldTokensOf(engine, keys, linkTokens, held);
  const heldTokens = Math.min(believed(engine, should), tokens - 1);
  // A leg that is handed its prefix prefills only what neither the handoff nor the engine's own cache covers.
  const covered = handedTokens >= tokens ? tokens : Math.max(heldTokens, handedTokens);
  const queueMs = Math.max(0, engine.backlogUntil - nowMs);
  const { modelledPrefillMs, pull } = prefillOf(engine, given, covered, nowMs, sources);
  const prefillMs = modelledPrefillMs * prefillFactor(engine, nowMs);
  const foreign = foreignAt(engine, nowMs);
  const decode = decodeOf(engine, given, tokens, foreign, nowMs);
  // What is handed over has to be computed elsewhere first, or here after all.
  const handedMs = handedTokens > heldTokens ? pool.speed.prefillMs(handedTokens, heldTokens) : 0;
  const lifeMs = given.leg === "prefill" ? prefillMs : decode.decodeMs;
  const room = roomOf(engine, given, keys, engine.batch + foreign.running, lifeMs, nowMs);
  const costMs =
    // What is pulled comes while others are computed.
    Math.max(queueMs + foreign.waitingMs + overdueMs(engine, nowMs), pull?.ms ?? 0) +
    prefillMs * (1 + HOLDS_UP * (decodingAt(engine, nowMs) + foreign.running)) +
    handedMs +
    decode.decodeCostMs +
    // Those who leave for want of room take their prefix along: a second copy is what rooms are short of.
    room.slotMs +
    (pull ? keptTwiceMs(engine, pull.tokens, covered) : 0) +
    unkeptMs(engine, ask, nowMs) +
    overworkMs(pool, workRatio(pool, engine)) +
    evictionRounds(ask.remainingTurns) * room.evictedMs;
  return {
    heldTokens,
    queueMs,
    foreignMs: foreign.waitingMs,
    pull,
    slotMs: Math.max(room.slotMs, room.roomMs),
    modelledPrefillMs,
    modelledStepMs: decode.modelledStepMs,
    decodeMs: decode.decodeMs,
    costMs,
    evictedMs: room.evictedMs,
    crowdsOut:
      2 * heldTokens < tokens && crowdsOut(engine, tokens, room.needTokens - heldTokens, nowMs),
  };
}

/** How long a leg waits for a slot and for room, and what has to be computed again of what it displaces. */
function roomOf(
  engine: EngineState,
  { leg, ask, linkTokens }: GrantAsk,
  keys: Float64Array,
  batch: number,
  lifeMs: number,
  nowMs: number,
) {
  const needTokens = needOf(leg, ask);
  return {
    needTokens,
    slotMs: slotWaitMs(engine.pool, batch, lifeMs, nowMs),
    roomMs: roomInMs(engine, { keys, linkTokens }, needTokens, nowMs),
    evictedMs: displacedMs(engine, keys, linkTokens, needTokens, nowMs),
  };
}

/** What a second copy costs others, ms: the more of the cache is taken, the sooner somebody has to make room for it. */
function keptTwiceMs({ pool, index }: EngineState, tokens: number, covered: number): number {
  const filled = Math.min(1, index.tokens / pool.speed.kvTokens);
  return filled * KEPT_TWICE * pool.speed.prefillMs(tokens, covered);
}

/** What later turns are expected to compute again at an engine that was found not to keep what it is sent, ms. */
function unkeptMs(
  engine: EngineState,
  { promptTokens, remainingTurns }: Ask,
  nowMs: number,
): number {
  const lost = distrust(engine);
  if (lost === 0) return 0;
  const againMs = engine.pool.speed.prefillMs(promptTokens, 0) * prefillFactor(engine, nowMs);
  return lost * Math.min(TURNS_AHEAD, remainingTurns) * againMs;
}

/** Computing what is not covered, or pulling what another holds of it, whichever is done sooner. */
function prefillOf(
  engine: EngineState,
  { ask }: GrantAsk,
  covered: number,
  nowMs: number,
  sources: readonly Source[],
): Pick<Offer, "modelledPrefillMs" | "pull"> {
  const { speed } = engine.pool;
  const tokens = Math.max(1, ask.promptTokens);
  const aloneMs = speed.prefillMs(tokens, covered, ask.longestTokens);
  if (sources.length === 0) return { modelledPrefillMs: aloneMs, pull: undefined };
  let best: Pick<Offer, "modelledPrefillMs" | "pull"> = {
    modelledPrefillMs: aloneMs,
    pull: undefined,
  };
  let mostSavedMs = 0;
  for (const source of sources) {
    const pull = pullFrom(source, engine, tokens, covered, nowMs);
    if (pull === undefined) continue;
    const waitsMs = Math.max(0, pull.ms - Math.max(0, engine.backlogUntil - nowMs));
    const restMs = speed.prefillMs(tokens, pull.tokens, ask.longestTokens);
    const savedMs = (aloneMs - restMs) * prefillFactor(engine, nowMs) - waitsMs;
    if (savedMs <= mostSavedMs) continue;
    mostSavedMs = savedMs;
    best = { modelledPrefillMs: restMs, pull: { source: source.engine, ...pull } };
  }
  return best;
}

/** What decoding takes, and what of it counts where engines are compared. */
function decodeOf(
  engine: EngineState,
  { leg, ask }: GrantAsk,
  tokens: number,
  foreign: Foreign,
  nowMs: number,
): Pick<Offer, "modelledStepMs" | "decodeMs"> & { readonly decodeCostMs: number } {
  if (leg === "prefill") return { modelledStepMs: 0, decodeMs: 0, decodeCostMs: 0 };
  const { speed } = engine.pool;
  const modelledStepMs = speed.stepMs(
    engine.batch + foreign.running + 1,
    engine.batchTokens + foreign.kvTokens + tokens,
  );
  const steps = decodeFactor(engine, nowMs) * ask.expectedOutputTokens;
  const aloneMs = speed.stepMs(1, tokens) * steps;
  const decodeMs = modelledStepMs * steps;
  return { modelledStepMs, decodeMs, decodeCostMs: aloneMs + STEPS_NOW * (decodeMs - aloneMs) };
}

/** Requests that decode: of those granted, the ones whose prefill here is modelled to be over. */
export function decodingAt({ batch, silent }: EngineState, nowMs: number): number {
  let decoding = batch;
  for (const { leg, prefillEndsAt } of silent) {
    if (leg !== "prefill" && prefillEndsAt > nowMs) decoding--;
  }
  return Math.max(0, decoding);
}

/** Tokens of a prompt that its conversation had before, wherever their cache is now. */
export function knownTokens({ ask, held }: GrantAsk, heldTokens = 0): number {
  return Math.min(ask.promptTokens - 1, Math.max(heldTokens, ...Object.values(held)));
}

/** KV cache tokens that a leg needs until its end. */
export function needOf(leg: GrantAsk["leg"], ask: Ask): number {
  return leg === "prefill" ? ask.promptTokens : ask.promptTokens + ask.expectedOutputTokens;
}

/** A full batch lets requests in as others finish, all of it in about `lifeMs`. */
function slotWaitMs(pool: PoolState, batch: number, lifeMs: number, nowMs: number): number {
  const maxBatch = slotsAt(pool, nowMs);
  return (Math.max(0, batch + 1 - maxBatch) / maxBatch) * lifeMs;
}
