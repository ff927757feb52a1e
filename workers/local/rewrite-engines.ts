import type { Json } from "miniflare";
import { EMULATED_HOSTS } from "../emulator/path.ts";

/** `mesh.json` as text says it; the edge parses it with its schema. */
export type MeshFile = {
  [member: string]: Json;
  regions: { [region: string]: Json };
  pools: { [pool: string]: Json };
};

/** The origin under which `mesh.json` names emulated engines. */
export const EMULATOR_ORIGIN = "http://127.0.0.1:9100";

/**
 * The same mesh with its emulated engines at `emulatorUrl`, each met by other engines at a host of its own; engines
 * elsewhere stay where they are.
 */
export function onEmulator(mesh: MeshFile, emulatorUrl: string): MeshFile {
  const text = JSON.stringify(mesh.pools, (_key, value: unknown) => {
    const path = emulatedPath(value);
    if (path === undefined) return value;
    return { ...(value as object), url: emulatorUrl + path, bootstrapHost: hostOf(path) };
  });
  return { ...mesh, pools: JSON.parse(text) as MeshFile["pools"] };
}

/** The path of an engine whose `url` is the emulator's. */
function emulatedPath(value: unknown): string | undefined {
  const url = typeof value === "object" && value !== null && "url" in value ? value.url : undefined;
  const isEmulated = typeof url === "string" && url.startsWith(`${EMULATOR_ORIGIN}/`);
  return isEmulated ? url.slice(EMULATOR_ORIGIN.length) : undefined;
}

function hostOf(path: string): string {
  return path.split("/").filter(Boolean).join(".") + EMULATED_HOSTS;
}

/** The same mesh with as many tokens of KV cache in every engine. */
export function withKvTokens(mesh: MeshFile, kvTokens: number | undefined): MeshFile {
  if (kvTokens === undefined) return mesh;
  const pools = Object.entries(mesh.pools).map(([id, pool]) => [
    id,
    { ...(pool as object), kvTokens },
  ]);
  return { ...mesh, pools: Object.fromEntries(pools) as MeshFile["pools"] };
}
