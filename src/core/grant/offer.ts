import type { LegKind } from "../leg.ts";
import { INTERFERENCE } from "../plan/legs.ts";
import type { Ask } from "../plan/placement.ts";
import { evictionRounds } from "../plan/rounds.ts";
import { displacedMs } from "./displaced.ts";
import { excessWork, overworkMs, workRatio } from "./recent-work.ts";
import { roomInMs } from "./room.ts";
import { type SessionHeld, heldTokens as heldTokensOf } from "./held.ts";
import { type EngineState, type PoolState, decodeFactor, prefillFactor } from "./region-state.ts";

/** What a caller asks of a region: an engine of `pool` for one leg. */
export type GrantAsk = {
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
  /** Wait for a decode slot or for KV cache. */
  readonly slotMs: number;
  readonly modelledPrefillMs: number;
  readonly modelledStepMs: number;
  readonly decodeMs: number;
  readonly costMs: number;
};

/** What moving one token of KV cache is worth when choosing a decode engine: the region does not know the link. */
const HANDOFF_MS_PER_TOKEN = 0.02;
/** Predicts one leg at one engine from the ledger. */
export function offerOf(
  pool: PoolState,
  engine: EngineState,
  { leg, ask, linkTokens, held, handedTokens }: GrantAsk,
  keys: BigUint64Array,
  nowMs: number,
): Offer {
  const tokens = Math.max(1, ask.promptTokens);
  const heldTokens = Math.min(heldTokensOf(engine, keys, linkTokens, held), tokens - 1);
  // A leg that is handed its prefix prefills only what neither the handoff nor the engine's own cache covers.
  const covered = handedTokens >= tokens ? tokens : Math.max(heldTokens, handedTokens);
  const modelledPrefillMs = pool.speed.prefillMs(tokens, covered);
  const prefillMs = modelledPrefillMs * prefillFactor(engine, nowMs);
  const queueMs = Math.max(0, engine.backlogUntil - nowMs);
  const handoffMs =
    handedTokens > heldTokens ? (handedTokens - heldTokens) * HANDOFF_MS_PER_TOKEN : 0;
  let costMs = queueMs + prefillMs * (1 + INTERFERENCE * engine.batch) + handoffMs;
  let modelledStepMs = 0;
  let decodeMs = 0;
  if (leg !== "prefill") {
    modelledStepMs = pool.speed.stepMs(engine.batch + 1, engine.batchTokens + tokens);
    decodeMs = modelledStepMs * decodeFactor(engine, nowMs) * ask.expectedOutputTokens;
  }
  const needTokens = needOf(leg, ask);
  const slotMs = waitMs(engine, leg === "prefill" ? prefillMs : decodeMs, needTokens, nowMs);
  const evictedMs = displacedMs(engine, keys, linkTokens, needTokens, nowMs);
  // Work that is as well done elsewhere goes to engines that had less of it; what is cached here stays cheaper here.
  const ratio = workRatio(pool, engine);
  costMs += (prefillMs + handoffMs) * excessWork(ratio) + overworkMs(pool, ratio);
  costMs += decodeMs + slotMs + evictionRounds(ask.remainingTurns) * evictedMs;
  return { heldTokens, queueMs, slotMs, modelledPrefillMs, modelledStepMs, decodeMs, costMs };
}

/** KV cache tokens that a leg needs until its end. */
export function needOf(leg: GrantAsk["leg"], ask: Ask): number {
  return leg === "prefill" ? ask.promptTokens : ask.promptTokens + ask.expectedOutputTokens;
}

/** A full batch lets requests in as others finish, all of it in about `lifeMs`. */
function waitMs(engine: EngineState, lifeMs: number, needTokens: number, nowMs: number): number {
  const { maxBatch } = engine.pool.pool;
  const over = Math.max(0, engine.batch + 1 - maxBatch) / maxBatch;
  return Math.max(over * lifeMs, roomInMs(engine, needTokens, nowMs));
}
