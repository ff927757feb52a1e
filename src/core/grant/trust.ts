import { type Observed, observeFirstToken } from "./first-tokens.ts";
import { observe } from "./measured.ts";
import { foreignAt } from "./foreign.ts";
import {
  decodeFactor,
  type EngineState,
  freeMsAt,
  type LiveGrant,
  prefillFactor,
} from "./region-state.ts";
import { observeClaim } from "./residency.ts";

/** Shorter prefills say more about the network than about the engine, ms. */
const SHORTEST_PREFILL_MS = 50;
/** What was believed to be cached, and was not, would pass for slowness: legs with more of it teach nothing. */
const CACHED_SHARE = 0.1;
const FEWEST_STEPS = 8;
/** Part of its decode that a leg must have had the engine free of prompts to tell how fast it decodes. */
const FREE_SHARE = 0.75;

/** Moves the measured prefill speed by first tokens, as soon as it is known which came before them. */
export function learnPrefill(engine: EngineState, live: LiveGrant, at: number): void {
  const { pool, firstTokens } = engine;
  const { grantedAt: readyAt, modelledPrefillMs: modelledMs, place } = live;
  if (place < 0) return;
  const isComputed =
    live.coveredTokens <= CACHED_SHARE * (live.linkTokens.at(-1) ?? 0) && live.claim === undefined;
  const teaches = isComputed && !live.waitedForRoom;
  const claim = live.waitedForRoom ? undefined : live.claim;
  const one = { at, readyAt, modelledMs, teaches, claim, first: place, last: place, known: 1 };
  // Behind a hosted endpoint prompts do not wait for one another.
  const alone: Observed[] = teaches ? [{ ms: at - readyAt, modelledMs }] : [];
  const observed = pool.pool.routed === "us" ? observeFirstToken(firstTokens, one) : alone;
  const mates = pool.engines.map(({ prefill }) => prefill);
  for (const { ms, modelledMs, claim } of observed) {
    if (claim) observeClaim(engine.residency, claim, slowness(engine, at), ms);
    if (claim) continue;
    // Where the device class is far too fast an assumption, a prefill that it has down as short is none.
    const expectedMs = modelledMs * Math.max(1, prefillFactor(engine, at));
    if (expectedMs < SHORTEST_PREFILL_MS) continue;
    observe(engine.prefill, pool.prefill, mates, ms / modelledMs, at);
  }
}

/** An engine that is slow in all it does is not one that has lost its cache. */
function slowness(engine: EngineState, nowMs: number): number {
  return Math.max(prefillFactor(engine, nowMs), decodeFactor(engine, nowMs));
}

/** Moves the measured decode speed by one leg's time per token after the first. */
export function learnDecode(
  engine: EngineState,
  live: LiveGrant,
  outputTokens: number,
  nowMs: number,
): void {
  if (live.firstTokenAt === undefined || live.modelledStepMs <= 0) return;
  if (outputTokens <= FEWEST_STEPS) return;
  // Prompts that were computed meanwhile held it up: that is load, and no slowness of the engine.
  const freeMs = freeMsAt(engine, nowMs) - live.freeMsThen;
  if (freeMs < FREE_SHARE * (nowMs - live.firstTokenAt)) return;
  const measuredMs = freeMs / (outputTokens - 1);
  // Others came and went meanwhile.
  const { batch, batchTokens, pool } = engine;
  const { running, kvTokens } = foreignAt(engine, nowMs);
  const stepMs = pool.speed.stepMs(batch + running, batchTokens + kvTokens);
  const modelledMs = (live.modelledStepMs + stepMs) / 2;
  const mates = engine.pool.engines.map(({ decode }) => decode);
  observe(engine.decode, engine.pool.decode, mates, measuredMs / modelledMs, nowMs);
}
