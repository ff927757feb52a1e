import { latenessMs, observeLateness } from "./lateness.ts";
import { observe } from "./measured.ts";
import { type EngineState, freeMsAt, type LiveGrant } from "./region-state.ts";

/** Shorter prefills say more about the network than about the engine, ms. */
const SHORTEST_PREFILL_MS = 50;
/** What was believed to be cached, and was not, would pass for slowness: legs with more of it teach nothing. */
const CACHED_SHARE = 0.1;
/** A longer share of waiting cannot be told from slow prefill. */
const QUEUE_SHARE = 0.25;
const FEWEST_STEPS = 8;
/** Part of its decode that a leg must have had the engine free of prompts to tell how fast it decodes. */
const FREE_SHARE = 0.75;

/** Moves the measured prefill speed by one leg that hardly queued, at its first token. */
export function learnPrefill(engine: EngineState, live: LiveGrant, nowMs: number): void {
  const modelledMs = live.modelledPrefillMs;
  if (modelledMs < SHORTEST_PREFILL_MS) return;
  if (live.coveredTokens > CACHED_SHARE * (live.linkTokens.at(-1) ?? 0)) return;
  const startedAt = live.prefillEndsAt - live.prefillMs;
  if (startedAt - live.grantedAt > modelledMs * QUEUE_SHARE) return;
  const measuredMs = nowMs - live.grantedAt - live.modelledStepMs;
  const mates = engine.pool.engines.map(({ prefill }) => prefill);
  observeLateness(engine.pool.lateness, modelledMs, measuredMs);
  const ownMs = Math.max(0, measuredMs - latenessMs(engine.pool.lateness));
  observe(engine.prefill, engine.pool.prefill, mates, ownMs / modelledMs, nowMs);
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
  const mates = engine.pool.engines.map(({ decode }) => decode);
  observe(engine.decode, engine.pool.decode, mates, measuredMs / live.modelledStepMs, nowMs);
}
