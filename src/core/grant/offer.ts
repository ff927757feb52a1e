import type { LegKind } from "../leg.ts";
import { INTERFERENCE } from "../plan/legs.ts";
import type { Ask } from "../plan/placement.ts";
import { displacedMs } from "./displaced.ts";
import { type SessionHeld, heldTokens as heldTokensOf } from "./held.ts";
import {
  type EngineState,
  type PoolState,
  capacityTokens,
  decodeFactor,
  prefillFactor,
} from "./region-state.ts";

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
  const slotMs = waitMs(pool, engine, leg === "prefill" ? prefillMs : decodeMs, needOf(leg, ask));
  costMs += decodeMs + slotMs + displacedMs(engine, keys, linkTokens, needOf(leg, ask), nowMs);
  return { heldTokens, queueMs, slotMs, modelledPrefillMs, modelledStepMs, costMs };
}

/** KV cache tokens that a leg needs until its end. */
export function needOf(leg: GrantAsk["leg"], ask: Ask): number {
  return leg === "prefill" ? ask.promptTokens : ask.promptTokens + ask.expectedOutputTokens;
}

/** A full engine lets requests in as others finish, all of its batch in about `lifeMs`. */
function waitMs(pool: PoolState, engine: EngineState, lifeMs: number, needTokens: number): number {
  const over = Math.max(0, engine.batch + 1 - pool.pool.maxBatch) / pool.pool.maxBatch;
  const capacity = capacityTokens(pool);
  const short = Math.max(0, engine.kvTokens + needTokens - capacity) / Math.max(1, capacity);
  return Math.max(over, Number.isFinite(short) ? short : 0) * lifeMs;
}
