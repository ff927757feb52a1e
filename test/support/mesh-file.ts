import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { ROOT } from "./imports.ts";

/** The parts of `mesh.json` that tests change. */
export type TestMesh = MeshFile & {
  readonly pools: Record<string, { readonly engines: { readonly id: string; url: string }[] }>;
  readonly links: { gbps: number; perFlowGbps?: number }[];
};

/** A copy of the repository's `mesh.json`. */
export function meshFile(): TestMesh {
  return JSON.parse(readFileSync(join(ROOT, "mesh.json"), "utf8")) as TestMesh;
}

/** `pool/number` of every engine in the repository's `mesh.json`. */
export function engineNames(): string[] {
  return Object.entries(meshFile().pools).flatMap(([pool, { engines }]) =>
    engines.map(({ id }) => `${pool}/${id}`),
  );
}
