import type { DeviceClass, Fleet } from "../core/fleet.ts";
import { checkMesh } from "./checks.ts";
import { builtInDevices } from "./devices.ts";
import type { DialectTraits } from "./dialects.ts";
import { fleetOf } from "./fleet-of.ts";
import type { Problem } from "./problem.ts";
import { meshSchema, type Mesh } from "./schema.ts";
import { shapeProblems } from "./shape-problems.ts";

/** Reads `mesh.json`: the fleet it describes, or everything that is wrong with it. `dialects` are those of the registry. */
export function parseMesh(
  json: unknown,
  dialects: ReadonlyMap<string, DialectTraits>,
): { ok: true; fleet: Fleet } | { ok: false; problems: Problem[] } {
  const shape = meshSchema.safeParse(json, { reportInput: true });
  if (!shape.success) return { ok: false, problems: shapeProblems(shape.error) };
  const mesh = shape.data;
  const devices = new Map([...ownDevices(mesh), ...builtInDevices]);
  const problems = checkMesh(mesh, devices, dialects);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, fleet: fleetOf(mesh, devices, json) };
}

function ownDevices(mesh: Mesh): [string, DeviceClass][] {
  return Object.entries(mesh.devices).map(([name, numbers]) => [name, { name, ...numbers }]);
}
