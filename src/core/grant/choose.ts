import type { Random } from "../random.ts";
import { mayAsk } from "./breaker.ts";
import { type GrantAsk, type Offer, offerOf } from "./offer.ts";
import { sourcesOf } from "./pull.ts";
import { workRatio } from "./recent-work.ts";
import type { EngineState, PoolState } from "./region-state.ts";
import { PEACE } from "./returns.ts";

/** The engine a leg would go to, what it would see there, and how many engines were about as good. */
export type Choice = {
  readonly engine: EngineState;
  readonly at: number;
  readonly offer: Offer;
  readonly ties: number;
};

/** Engines this close are equals; a share of a long prompt's time would put it behind another long one. */
const NEAR_TIE_MS = 1;

/**
 * The cheapest engine of a pool for one leg; undefined when none may be asked. `aheadMs` is work of requests that wait
 * before this one, by engine.
 */
export function choose(
  pool: PoolState,
  ask: GrantAsk,
  keys: Float64Array,
  nowMs: number,
  random: Random,
  aheadMs?: Float64Array,
): Choice | undefined {
  let best = Infinity;
  const sources = sourcesOf(pool, keys, ask.linkTokens, ask.ask.promptTokens - 1, nowMs);
  for (let i = 0; i < pool.engines.length; i++) {
    const engine = pool.engines[i];
    const usable =
      engine !== undefined && mayAsk(engine.breaker, nowMs) && !ask.avoid.includes(engine.id);
    const offer = usable ? offerOf(pool, engine, ask, keys, nowMs, sources) : undefined;
    const crowdingMs = engine && offer?.crowdsOut ? crowdingOutMs(engine, offer, nowMs) : 0;
    const costMs = offer === undefined ? Infinity : offer.costMs + crowdingMs + (aheadMs?.[i] ?? 0);
    pool.costs[i] = costMs;
    pool.offers[i] = offer;
    best = Math.min(best, costMs);
  }
  if (best === Infinity) return undefined;
  const { engine, at, ties } = pick(pool, best + NEAR_TIE_MS, random);
  return { engine, at, ties, offer: pool.offers[at] as Offer };
}

/** What is gained by leaving alone those that had better stay, ms: peace as long as pushing them out would buy them. */
function crowdingOutMs(engine: EngineState, { evictedMs }: Offer, nowMs: number): number {
  return PEACE * evictedMs + Math.max(0, engine.peaceUntil - nowMs);
}

/** Why that engine, in words. */
export function reasonOf({ offer, ties }: Choice): string {
  const { heldTokens, slotMs, queueMs, foreignMs, pull } = offer;
  const why = [
    slotMs > 0 ? "all full, least loaded" : "least work",
    ...(pull ? [`pulls ${pull.tokens} tokens from ${pull.source.id}`] : []),
    ...(heldTokens > 0 ? [`holds ${heldTokens} tokens`] : []),
    ...(queueMs >= 1 ? [`${Math.round(queueMs)} ms ahead`] : []),
    ...(foreignMs >= 1 ? [`${Math.round(foreignMs)} ms of others ahead`] : []),
    ...(ties > 1 ? [`one of ${ties} near-ties`] : []),
  ];
  return why.join(", ");
}

/** Of the engines whose cost is at most `limit`, the one that was granted the least work lately; any of several. */
function pick(pool: PoolState, limit: number, random: Random) {
  let ties = 0;
  let equals = 0;
  let least = Infinity;
  let picked: { readonly engine: EngineState; readonly at: number } | undefined;
  for (let i = 0; i < pool.engines.length; i++) {
    const engine = pool.engines[i];
    if (engine === undefined || (pool.costs[i] ?? Infinity) > limit) continue;
    ties++;
    const ratio = workRatio(pool, engine);
    equals = ratio < least ? 1 : ratio === least ? equals + 1 : equals;
    if (ratio > least || (ratio === least && random() * equals >= 1)) continue;
    least = ratio;
    picked = { engine, at: i };
  }
  if (picked === undefined) throw new TypeError("there is always an engine at the best cost");
  return { ...picked, ties };
}
