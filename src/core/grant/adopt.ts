import { linkKeys } from "../link-keys.ts";
import { enter } from "./enter.ts";
import type { Granted } from "./grant.ts";
import { type GrantAsk, offerOf } from "./offer.ts";
import type { RegionState } from "./region-state.ts";

/** Enters a leg that was granted elsewhere; undefined for an engine that this ledger does not know. */
export function adopt(
  state: RegionState,
  ask: GrantAsk,
  engineId: string,
  nowMs: number,
): Granted | undefined {
  const pool = state.pools.get(ask.pool);
  const engine = pool?.engines.find(({ id }) => id === engineId);
  if (pool === undefined || engine === undefined) return undefined;
  const keys = linkKeys(ask.chain);
  const offer = offerOf(pool, engine, ask, keys, nowMs);
  return enter(state, { engine, ask, keys, offer, reason: "granted elsewhere", nowMs });
}
