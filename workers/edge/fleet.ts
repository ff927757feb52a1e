import bundledMesh from "../../mesh.json";
import { parseMesh } from "../../src/config/parse.ts";
import type { Fleet } from "../../src/core/fleet.ts";
import { dialects } from "../../src/engines/registry.ts";

/** The fleet of a `mesh.json`, or of the bundled one; throws when it is not usable. */
export function fleetOf(mesh: unknown): Fleet {
  const json = mesh ?? bundledMesh;
  const parsed = parseMesh(typeof json === "string" ? JSON.parse(json) : json, dialects);
  if (parsed.ok) return parsed.fleet;
  const problems = parsed.problems.map(({ path, problem, fix }) => `${path}: ${problem}; ${fix}`);
  throw new ConfigurationError(`mesh.json is not usable:\n${problems.join("\n")}`);
}

/** What a deployment lacks, and how to supply it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
