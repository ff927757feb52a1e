import type { DeviceClass } from "../core/fleet.ts";
import { engineProblems } from "./checks-engines.ts";
import { linkEndProblems } from "./checks-link-ends.ts";
import { linkProblems } from "./checks-links.ts";
import { namingProblems } from "./checks-names.ts";
import { poolProblems } from "./checks-pools.ts";
import { regionProblems } from "./checks-regions.ts";
import { storeProblems } from "./checks-stores.ts";
import type { DialectTraits } from "./dialects.ts";
import type { Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

/** What the checks look names up in. */
export type Surroundings = {
  readonly mesh: Mesh;
  readonly regions: ReadonlyMap<string, Mesh["regions"][string]>;
  readonly models: ReadonlyMap<string, Mesh["models"][string]>;
  readonly pools: ReadonlyMap<string, Mesh["pools"][string]>;
  readonly devices: ReadonlyMap<string, DeviceClass>;
  readonly dialects: ReadonlyMap<string, DialectTraits>;
};

/** Mistakes that only show across entries of a mesh whose shape is right. */
export function checkMesh(
  mesh: Mesh,
  devices: ReadonlyMap<string, DeviceClass>,
  dialects: ReadonlyMap<string, DialectTraits>,
): Problem[] {
  const around: Surroundings = {
    mesh,
    regions: new Map(Object.entries(mesh.regions)),
    models: new Map(Object.entries(mesh.models)),
    pools: new Map(Object.entries(mesh.pools)),
    devices,
    dialects,
  };
  return [
    ...namingProblems(around),
    ...regionProblems(around),
    ...poolProblems(around),
    ...engineProblems(around),
    ...linkEndProblems(around),
    ...linkProblems(around),
    ...storeProblems(around),
  ];
}
