import { readFile } from "node:fs/promises";
import { parseMesh } from "../../src/config/parse.ts";
import type { Problem } from "../../src/config/problem.ts";
import { dialects } from "../../src/engines/registry.ts";
import type { MeshFile } from "./rewrite-engines.ts";

/** A `mesh.json` that can be run, or what is wrong with it: a line for each problem. */
export async function readMesh(
  file: URL,
): Promise<{ ok: true; mesh: MeshFile } | { ok: false; problems: string[] }> {
  const read = await readFile(file, "utf8").catch((error: unknown) => unreadable(error));
  if (typeof read !== "string") return { ok: false, problems: [lineOf(read)] };
  let json: unknown;
  try {
    json = JSON.parse(read);
  } catch (error) {
    return { ok: false, problems: [lineOf(broken(error))] };
  }
  const parsed = parseMesh(json, dialects);
  if (parsed.ok) return { ok: true, mesh: json as MeshFile };
  return { ok: false, problems: [...new Set(parsed.problems.map(lineOf))] };
}

function unreadable(error: unknown): Problem {
  return { path: "mesh.json", problem: told(error), fix: "put a mesh.json there that can be read" };
}

function broken(error: unknown): Problem {
  const fix = "write JSON without comments or trailing commas";
  return { path: "mesh.json", problem: told(error), fix };
}

/** `JSON.parse` quotes some of the text, line ends and all. */
function told(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
}

function lineOf({ path, problem, fix }: Problem): string {
  return `${path}: ${problem}; ${fix}`;
}
