import { BlockLru } from "../block-lru.ts";
import type { Pool } from "../fleet.ts";
import type { LegKind } from "../leg.ts";
import type { Speed } from "../speed.ts";

/** One grant: prefill work, KV tokens and a decode slot, freed apart. */
export type LiveGrant = {
  readonly ticket: string;
  readonly engine: string;
  readonly leg: LegKind;
  readonly prefillMs: number;
  readonly contextTokens: number;
  readonly grantedAt: number;
  readonly startAt: number;
  /** Chain keys the engine will hold once the leg has run. */
  readonly keys: readonly string[];
  readonly linkTokens: Uint32Array;
  leaseUntil: number;
  isDecoding: boolean;
};

/** What is known of one engine. */
export type EngineState = {
  readonly id: string;
  readonly pool: string;
  readonly speed: Speed;
  readonly maxBatch: number;
  readonly index: BlockLru;
  /** When the prefill work granted so far will be done, epoch ms. */
  busyUntil: number;
  decodes: number;
  contextTokens: number;
  prefillFactor: number;
  failures: number;
  /** Not asked before this, epoch ms. */
  closedUntil: number;
};

export type RegionState = {
  readonly engines: ReadonlyMap<string, EngineState>;
  readonly byPool: ReadonlyMap<string, readonly EngineState[]>;
  readonly grants: Map<string, LiveGrant>;
  tickets: number;
};

export function createRegionState(
  pools: ReadonlyMap<string, Pool>,
  speeds: ReadonlyMap<string, Speed>,
): RegionState {
  const engines = new Map<string, EngineState>();
  const byPool = new Map<string, EngineState[]>();
  for (const pool of pools.values()) {
    const speed = speeds.get(pool.id);
    if (speed === undefined) throw new TypeError(`no speed for pool \`${pool.id}\``);
    const states = pool.engines.map(({ id }) => newEngine(id, pool, speed));
    byPool.set(pool.id, states);
    for (const state of states) engines.set(state.id, state);
  }
  return { engines, byPool, grants: new Map(), tickets: 0 };
}

function newEngine(id: string, pool: Pool, speed: Speed): EngineState {
  return {
    id,
    pool: pool.id,
    speed,
    maxBatch: pool.maxBatch,
    index: new BlockLru(speed.kvTokens),
    busyUntil: 0,
    decodes: 0,
    contextTokens: 0,
    prefillFactor: 1,
    failures: 0,
    closedUntil: 0,
  };
}
