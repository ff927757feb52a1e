import type { Mesh } from "../../src/config/schema.ts";
import type { Fleet, Model, Pool } from "../../src/core/fleet.ts";
import { speedOf } from "../../src/core/speed.ts";
import type { SimOptions } from "../../src/sim/events.ts";

/** What one engine needs to know of the fleet; undefined for an engine that is not in it. */
export function engineConfig(
  fleet: Fleet,
  name: string,
  kvTokensOfAll?: number,
  stores: Stores = {},
): EngineConfig | undefined {
  const pool = [...fleet.pools.values()].find(({ engines }) =>
    engines.some(({ id }) => id === name),
  );
  if (!pool) return undefined;
  const model = fleet.models.get(pool.model);
  const device = fleet.devices.get(pool.device);
  if (!model || !device) return undefined;
  const speed = speedOf(pool, device, model);
  const kvTokens = kvTokensOfAll ?? pool.kvTokens;
  // Who says how much an engine holds means all of it: what is evicted is gone.
  const tiers = kvTokens === undefined ? device.memory : device.memory.slice(0, 1);
  // What its engines call the model, where that is another name than the mesh's.
  const { modelName }: Pool & { readonly modelName?: string } = pool;
  const own = modelName === undefined ? [] : [modelName];
  const names = [...fleet.modelNames].filter(([, id]) => id === model.id).map(([alias]) => alias);
  return {
    name,
    pool,
    model,
    modelNames: new Set([model.id, ...model.aliases, ...names, ...own]),
    fleet,
    ...storeOf(pool, stores),
    sim: {
      speed,
      kvBytesPerToken: model.kvBytesPerToken,
      kvTokens: kvTokens ?? speed.kvTokens,
      tiers: tiers.map(({ bytes, bytesPerS }) => ({
        bytes: bytes * pool.devices,
        bytesPerS: bytesPerS * pool.devices,
      })),
      maxBatch: pool.maxBatch,
    },
  };
}

/** The store of its region that its dialect can use. */
function storeOf({ region, dialect }: Pool, stores: Stores): Pick<EngineConfig, "store"> {
  const found = Object.entries(stores).find(
    ([, store]) => store.region === region && store.dialects.includes(dialect),
  );
  return found ? { store: { name: STORE_PREFIX + found[0], gbps: found[1].gbps } } : {};
}

/** Before a store's name, where engines and stores share names: no engine has a colon in its own. */
export const STORE_PREFIX = "store:";

/** `stores` of a mesh. */
export type Stores = Mesh["stores"];

export type EngineConfig = {
  /** `pool/number`. */
  readonly name: string;
  readonly pool: Pool;
  readonly model: Model;
  readonly modelNames: ReadonlySet<string>;
  readonly fleet: Pick<Fleet, "links" | "pools">;
  readonly store?: { readonly name: string; readonly gbps: number };
  readonly sim: Omit<SimOptions, "engineId">;
};
