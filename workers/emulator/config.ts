import mesh from "../../mesh.json" with { type: "json" };
import { parseMesh } from "../../src/config/parse.ts";
import type { Fleet, Model, Pool } from "../../src/core/fleet.ts";
import { speedOf } from "../../src/core/speed.ts";
import type { SimOptions } from "../../src/sim/events.ts";
import type { EmulatedEngine } from "./emulated-engine.ts";

export type EmulatorEnv = {
  readonly ENGINES: DurableObjectNamespace<EmulatedEngine>;
  /** The mesh as JSON text or as a JSON binding; the repository's `mesh.json` when absent. */
  readonly MESH?: unknown;
  /** Real seconds per emulated second: 0.1 runs ten times faster. */
  readonly TIME_FACTOR?: string;
  /** Bearer token of `/admin`; without one, nobody may. */
  readonly EMULATOR_TOKEN?: string;
  /** KV cache tokens of every engine, overriding the mesh. */
  readonly KV_TOKENS?: string;
};

/** What one engine needs to know of the fleet; undefined for an engine that is not in it. */
export function engineConfig(env: EmulatorEnv, name: string): EngineConfig | undefined {
  const fleet = fleetOf(env.MESH ?? mesh);
  const pool = [...fleet.pools.values()].find(({ engines }) =>
    engines.some(({ id }) => id === name),
  );
  if (!pool) return undefined;
  const model = fleet.models.get(pool.model);
  const device = fleet.devices.get(pool.device);
  if (!model || !device) return undefined;
  const speed = speedOf(pool, device, model);
  const kvTokens = Number(env.KV_TOKENS) || pool.kvTokens;
  // Who says how much an engine holds means all of it: what is evicted is gone.
  const tiers = kvTokens === undefined ? device.memory : device.memory.slice(0, 1);
  const names = [...fleet.modelNames].filter(([, id]) => id === model.id).map(([alias]) => alias);
  return {
    name,
    pool,
    model,
    modelNames: new Set([model.id, ...model.aliases, ...names]),
    links: fleet.links,
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
  readonly links: Fleet["links"];
  readonly sim: Omit<SimOptions, "engineId">;
};

/** Real milliseconds per emulated millisecond. */
export function timeFactor(env: EmulatorEnv): number {
  const factor = Number(env.TIME_FACTOR ?? "1");
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}

let known: { readonly source: unknown; readonly fleet: Fleet } | undefined;

function fleetOf(source: unknown): Fleet {
  if (known && known.source === source) return known.fleet;
  const parsed = parseMesh(typeof source === "string" ? JSON.parse(source) : source);
  if (!parsed.ok) throw new TypeError(`mesh: ${JSON.stringify(parsed.problems)}`);
  known = { source, fleet: parsed.fleet };
  return parsed.fleet;
}
