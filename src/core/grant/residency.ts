import type { EngineState } from "./region-state.ts";

/** How far an engine is believed to hold what was sent to it. Mutable. */
export type Residency = {
  /** 0 to 1. */
  trust: number;
  /** It tells how much of a prompt it found in its cache. */
  tells: boolean;
};

/** What a leg was to find in its engine's cache, as far as that is enough to tell whether it did. */
export type Claim = {
  /** Of the prompt, 0 to 1. */
  readonly share: number;
  /** Modelled prefill at the engine's class speed with it and without, ms. */
  readonly warmMs: number;
  readonly coldMs: number;
};

export function trusted(): Residency {
  return { trust: 1, tells: false };
}

/** What of the tokens that an engine should hold is reckoned with: all of them, until it has been found wrong often. */
export function believed({ residency: { trust } }: EngineState, tokens: number): number {
  return trust < NOTABLE ? Math.floor(trust * tokens) : tokens;
}

/** How much of what is sent to an engine is expected to be lost to the next turn, 0 to 1. */
export function distrust({ residency: { trust } }: EngineState): number {
  return trust < NOTABLE ? 1 - trust : 0;
}

/** What a leg says of its engine's cache; undefined where that was to hold too little of its prompt. */
export function claimOf(
  { pool, index }: EngineState,
  chain: { readonly keys: Float64Array; readonly linkTokens: Uint32Array },
  promptTokens: number,
  nowMs: number,
): Claim | undefined {
  // Of what is being computed for another leg nobody knows whether this one finds it.
  const tokens = Math.min(promptTokens - 1, index.readyTokens(chain.keys, chain.linkTokens, nowMs));
  const share = tokens / promptTokens;
  if (share < LEAST_SHARE || pool.pool.routed !== "us") return undefined;
  const { speed } = pool;
  const warmMs = speed.prefillMs(promptTokens, tokens);
  return { share, warmMs, coldMs: speed.prefillMs(promptTokens, 0) };
}

/**
 * The engine told which share of a prompt it found, 0 to 1. That it found less than was believed counts; that it says
 * it found all of it does not, as long as nothing else shows it.
 */
export function hearCached(
  { residency }: EngineState,
  claim: Claim | undefined,
  share: number,
): void {
  residency.tells = true;
  if (claim === undefined) return;
  const found = Math.min(1, share / claim.share);
  if (found < AGREES && found < residency.trust) move(residency, found, WEIGHT);
}

/** What it may have evicted nobody was told: that counts as one prompt that it did not find. */
export function missed(residency: Residency): void {
  move(residency, 0, WEIGHT);
}

/**
 * A prompt took an engine so long, by itself: that tells whether it was found in the cache, whatever is said of it.
 * `factor` is how much slower than its class the engine is.
 */
export function observeClaim(residency: Residency, claim: Claim, factor: number, ms: number): void {
  const savedMs = factor * (claim.coldMs - claim.warmMs);
  if (savedMs < LEAST_SAVED_MS) return;
  const computed = (ms - factor * claim.warmMs) / savedMs;
  const weight = residency.tells ? WEIGHT : WEIGHT * MUTE_WEIGHT;
  if (computed > AMBIGUOUS_TO) move(residency, 0, weight);
  else if (computed < AMBIGUOUS_FROM) move(residency, 1, weight);
}

/** Engines that are trusted less count with what they were found to hold; above it they are taken at the ledger's word. */
const NOTABLE = 0.5;
/** Weight of one observation, and what a time counts of that where the engine itself says nothing. */
const WEIGHT = 0.2;
const MUTE_WEIGHT = 0.25;
/** Smaller parts of a prompt tell nothing: tokens are estimated, and engines cache whole blocks. */
const LEAST_SHARE = 0.25;
const AGREES = 0.7;
/** Shorter times say more about the network and the batch, ms. */
const LEAST_SAVED_MS = 250;
/** Times between those of a prompt that was found and of one that was computed say neither. */
const AMBIGUOUS_FROM = 0.35;
const AMBIGUOUS_TO = 0.65;

function move(residency: Residency, towards: number, weight: number): void {
  residency.trust += weight * (towards - residency.trust);
}
