import type { Pool } from "../fleet.ts";

/** As OpenAI publishes it: gone after 5 to 10 minutes without use, from 1,024 tokens on, in steps of 128. */
const TTL_S = 300;
const LEAST_TOKENS = 1024;
const STEP_TOKENS = 128;

/** Prefix tokens that a hosted pool still has cached and bills as such, of `tokens` it was sent `ageMs` ago. */
export function cachedTokens(pool: Pool, tokens: number, ageMs: number): number {
  if (ageMs > cacheTtlMs(pool)) return 0;
  const { cacheMinTokens = LEAST_TOKENS, cacheStepTokens = STEP_TOKENS } = pool;
  if (tokens < cacheMinTokens) return 0;
  return tokens - ((tokens - cacheMinTokens) % cacheStepTokens);
}

/** How long a hosted pool keeps what nobody asks for again. */
export function cacheTtlMs({ cacheTtlS = TTL_S }: Pool): number {
  return cacheTtlS * 1000;
}
