import { linkKeys } from "../block-lru.ts";
import type { Random } from "../random.ts";
import { mayAsk, opensAt } from "./breaker.ts";
import { enter } from "./enter.ts";
import { type GrantAsk, type Offer, offerOf } from "./offer.ts";
import { workRatio } from "./recent-work.ts";
import type { EngineState, PoolState, RegionState } from "./region-state.ts";

export type { GrantAsk } from "./offer.ts";

export type Granted = {
  readonly ticket: string;
  readonly engine: string;
  readonly pool: string;
  /** When the engine is expected to begin, epoch ms. */
  readonly startAt: number;
  readonly heldTokens: number;
  readonly prefillMs: number;
  readonly stepMs: number;
  readonly reason: string;
};

export type GrantAnswer =
  | { readonly kind: "granted"; readonly grant: Granted }
  | { readonly kind: "refused"; readonly reason: string; readonly retryAfterMs: number };

/** Part of what precedes the first token; the decode of a long answer would hide what a cache is worth. */
const NEAR_TIE = 0.02;
const NEAR_TIE_MS = 1;
const RETRY_MS = 1000;

/** Chooses an engine of one pool with exact knowledge of the work granted, and enters the leg in the ledger. */
export function grant(
  state: RegionState,
  ask: GrantAsk,
  nowMs: number,
  random: Random,
): GrantAnswer {
  const pool = state.pools.get(ask.pool);
  if (pool === undefined) {
    return { kind: "refused", reason: `pool \`${ask.pool}\` is not here`, retryAfterMs: RETRY_MS };
  }
  const keys = linkKeys(ask.chain);
  let best = Infinity;
  let tieMs = NEAR_TIE_MS;
  for (let i = 0; i < pool.engines.length; i++) {
    const engine = pool.engines[i];
    const usable =
      engine !== undefined && mayAsk(engine.breaker, nowMs) && !ask.avoid.includes(engine.id);
    const offer = usable ? offerOf(pool, engine, ask, keys, nowMs) : undefined;
    pool.costs[i] = offer?.costMs ?? Infinity;
    if (offer === undefined || offer.costMs >= best) continue;
    best = offer.costMs;
    tieMs = NEAR_TIE * (offer.costMs - offer.decodeMs) + NEAR_TIE_MS;
  }
  if (best === Infinity) return refusal(pool, nowMs);
  const { engine, ties } = pick(pool, best + tieMs, random);
  const offer = offerOf(pool, engine, ask, keys, nowMs);
  const reason = reasonOf(offer, ties);
  return { kind: "granted", grant: enter(state, { engine, ask, keys, offer, reason, nowMs }) };
}

/** Of the engines whose cost is at most `limit`, the one that was granted the least work lately; any of several. */
function pick(pool: PoolState, limit: number, random: Random) {
  let ties = 0;
  let equals = 0;
  let least = Infinity;
  let picked: EngineState | undefined;
  for (let i = 0; i < pool.engines.length; i++) {
    const engine = pool.engines[i];
    if (engine === undefined || (pool.costs[i] ?? Infinity) > limit) continue;
    ties++;
    const ratio = workRatio(pool, engine);
    equals = ratio < least ? 1 : ratio === least ? equals + 1 : equals;
    if (ratio > least || (ratio === least && random() * equals >= 1)) continue;
    least = ratio;
    picked = engine;
  }
  if (picked === undefined) throw new TypeError("there is always an engine at the best cost");
  return { engine: picked, ties };
}

function reasonOf({ heldTokens, slotMs, queueMs }: Offer, ties: number): string {
  const why = [
    slotMs > 0 ? "all full, least loaded" : "least work",
    ...(heldTokens > 0 ? [`holds ${heldTokens} tokens`] : []),
    ...(queueMs >= 1 ? [`${Math.round(queueMs)} ms ahead`] : []),
    ...(ties > 1 ? [`one of ${ties} near-ties`] : []),
  ];
  return why.join(", ");
}

function refusal(pool: PoolState, nowMs: number): GrantAnswer {
  let soonest = Infinity;
  for (const { breaker } of pool.engines) {
    if (!mayAsk(breaker, nowMs)) soonest = Math.min(soonest, opensAt(breaker));
  }
  if (soonest === Infinity) {
    return {
      kind: "refused",
      reason: "every engine has failed this request",
      retryAfterMs: RETRY_MS,
    };
  }
  const retryAfterMs = Math.max(RETRY_MS, soonest - nowMs);
  return { kind: "refused", reason: "no engine is healthy", retryAfterMs };
}
