import type { Json } from "miniflare";

/** `mesh.json` as text says it; the edge parses it with its schema. */
export type MeshFile = {
  [member: string]: Json;
  regions: { [region: string]: Json };
  pools: { [pool: string]: Json };
};

/** The origin under which `mesh.json` names emulated engines. */
export const EMULATOR_ORIGIN = "http://127.0.0.1:9100";

/** The same mesh with its emulated engines at `emulatorUrl`; engines elsewhere stay where they are. */
export function onEmulator(mesh: MeshFile, emulatorUrl: string): MeshFile {
  const text = JSON.stringify(mesh.pools, (key, value: unknown) =>
    key === "url" && typeof value === "string" && value.startsWith(`${EMULATOR_ORIGIN}/`)
      ? emulatorUrl + value.slice(EMULATOR_ORIGIN.length)
      : value,
  );
  return { ...mesh, pools: JSON.parse(text) as MeshFile["pools"] };
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
