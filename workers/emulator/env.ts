import mesh from "../../mesh.json" with { type: "json" };
import { parseMesh } from "../../src/config/parse.ts";
import { meshSchema } from "../../src/config/schema.ts";
import type { Fleet } from "../../src/core/fleet.ts";
import { dialects } from "../../src/engines/registry.ts";
import type { Stores } from "./config.ts";
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

/** Real milliseconds per emulated millisecond. */
export function timeFactor(env: EmulatorEnv): number {
  const factor = Number(env.TIME_FACTOR ?? "1");
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}

/** The fleet of `MESH`; throws a TypeError for a mesh that cannot be run. */
export function fleetOf(env: EmulatorEnv): Fleet {
  return meshOf(env).fleet;
}

/** The stores of `MESH`, by name. */
export function storesOf(env: EmulatorEnv): Stores {
  return meshOf(env).stores;
}

function meshOf(env: EmulatorEnv): ParsedMesh {
  const source = env.MESH ?? mesh;
  if (known && known.source === source) return known;
  const json: unknown = typeof source === "string" ? JSON.parse(source) : source;
  const parsed = parseMesh(json, dialects);
  if (!parsed.ok) throw new TypeError(`mesh: ${JSON.stringify(parsed.problems)}`);
  known = { source, fleet: parsed.fleet, stores: meshSchema.parse(json).stores };
  return known;
}

type ParsedMesh = { readonly source: unknown; readonly fleet: Fleet; readonly stores: Stores };

let known: ParsedMesh | undefined;
