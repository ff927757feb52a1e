import { linkKeys } from "../link-keys.ts";
import type { Random } from "../random.ts";
import { mayAsk, opensAt, rests } from "./breaker.ts";
import { choose, reasonOf } from "./choose.ts";
import { enter } from "./enter.ts";
import type { SessionHeld } from "./held.ts";
import type { GrantAsk } from "./offer.ts";
import type { Pull } from "./pull.ts";
import type { PoolState, RegionState } from "./region-state.ts";

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
  /** Others that decode there or are about to, and the share of its time that prompts took lately; absent if not told. */
  readonly decoding?: number;
  readonly promptShare?: number;
  /** Prefix tokens that engines of the region's other pools hold, of those its session believes in; absent if none. */
  readonly elsewhere?: SessionHeld;
  readonly reason: string;
  /** A prefix to fetch from another engine of the pool before prefill. */
  readonly pull?: Pull;
};

export type Refused = {
  readonly kind: "refused";
  readonly reason: string;
  readonly retryAfterMs: number;
  /** Every engine that may not be asked said itself that it is full. */
  readonly full?: boolean;
};

export type GrantAnswer = { readonly kind: "granted"; readonly grant: Granted } | Refused;

const RETRY_MS = 1000;

/** Chooses an engine of one pool with exact knowledge of the work granted, and enters the leg in the ledger. */
export function grant(
  state: RegionState,
  ask: GrantAsk,
  nowMs: number,
  random: Random,
): GrantAnswer {
  const pool = state.pools.get(ask.pool);
  if (pool === undefined) return unknownPool(ask.pool);
  const keys = linkKeys(ask.chain);
  const choice = choose(pool, ask, keys, nowMs, random);
  if (choice === undefined) return refusal(pool, nowMs);
  const { engine, offer } = choice;
  const reason = reasonOf(choice);
  return { kind: "granted", grant: enter(state, { engine, ask, keys, offer, reason, nowMs }) };
}

/** The answer to an ask for a pool of another region, or of another `mesh.json`. */
export function unknownPool(pool: string): Refused {
  return { kind: "refused", reason: `pool \`${pool}\` is not here`, retryAfterMs: RETRY_MS };
}

/** The answer when no engine of a pool may be asked, with the time when one may be again. */
export function refusal(pool: PoolState, nowMs: number): Refused {
  let soonest = Infinity;
  let full = true;
  for (const { breaker } of pool.engines) {
    if (mayAsk(breaker, nowMs)) continue;
    soonest = Math.min(soonest, opensAt(breaker));
    full &&= rests(breaker, nowMs);
  }
  if (soonest === Infinity) {
    const reason = "every engine has failed this request";
    return { kind: "refused", reason, retryAfterMs: RETRY_MS };
  }
  const retryAfterMs = Math.max(RETRY_MS, soonest - nowMs);
  if (full) return { kind: "refused", reason: "every engine is full", retryAfterMs, full };
  return { kind: "refused", reason: "no engine is healthy", retryAfterMs };
}
