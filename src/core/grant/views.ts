import { chainKeys } from "../block-lru.ts";
import type { EngineView } from "../plan/placement.ts";
import { heldTokens } from "./held.ts";
import type { RegionState } from "./region-state.ts";

/** What is believed of a pool's engines, for one prompt. */
export function engineViews(
  state: RegionState,
  pool: string,
  chain: Uint8Array,
  linkTokens: Uint32Array,
  held: Readonly<Record<string, number>>,
  now: number,
): EngineView[] {
  const keys = chainKeys(chain);
  return (state.byPool.get(pool) ?? []).map((engine) => ({
    engine: engine.id,
    queueMs: Math.max(0, engine.busyUntil - now),
    batch: engine.decodes,
    batchTokens: engine.contextTokens,
    heldTokens: heldTokens(engine, keys, linkTokens, held),
    kvFreeTokens: engine.speed.kvTokens - engine.contextTokens,
    prefillFactor: engine.prefillFactor,
    decodeFactor: 1,
    healthy: engine.closedUntil <= now,
  }));
}
