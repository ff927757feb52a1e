import type { Fleet, Model, Pool } from "../../src/core/fleet.ts";
import { speedOf } from "../../src/core/speed.ts";
import type { SimOptions } from "../../src/sim/events.ts";

/** What one engine needs to know of the fleet; undefined for an engine that is not in it. */
export function engineConfig(
  fleet: Fleet,
  name: string,
  kvTokensOfAll?: number,
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

export type EngineConfig = {
  /** `pool/number`. */
  readonly name: string;
  readonly pool: Pool;
  readonly model: Model;
  readonly modelNames: ReadonlySet<string>;
  readonly fleet: Pick<Fleet, "links" | "pools">;
  readonly sim: Omit<SimOptions, "engineId">;
};
