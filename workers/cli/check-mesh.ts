import { readFileSync, writeFileSync } from "node:fs";
import { cac } from "cac";
import type { Fleet } from "../../src/core/fleet.ts";
import { meshJsonSchemaText } from "../../src/config/json-schema.ts";
import { parseMesh } from "../../src/config/parse.ts";
import type { Problem } from "../../src/config/problem.ts";
import { dialects } from "../../src/engines/registry.ts";

const SCHEMA = new URL("../../mesh.schema.json", import.meta.url);
const SHIPPED = new URL("../../mesh.json", import.meta.url);

const cli = cac("check-mesh");
cli
  .command("[file]", "Explain the mistakes in a mesh.json by path")
  .option("--write-schema", "Rewrite mesh.schema.json first")
  .action((file: string | undefined, options: { writeSchema?: boolean }) => {
    if (options.writeSchema) writeFileSync(SCHEMA, meshJsonSchemaText());
    const { problems, summary } = checkFile(file ?? SHIPPED);
    const all = [...problems, ...staleSchema()];
    for (const { path, problem, fix } of all) console.error(`${path}: ${problem}\n  fix: ${fix}`);
    if (all.length === 0) console.log(summary);
    else process.exitCode = 1;
  });
cli.help();
try {
  cli.parse();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

function checkFile(file: string | URL): { problems: Problem[]; summary: string } {
  const name = file instanceof URL ? "mesh.json" : file;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const fix = "give the path of a JSON file without comments or trailing commas";
    return { problems: [{ path: name, problem, fix }], summary: "" };
  }
  const parsed = parseMesh(json, dialects);
  if (!parsed.ok) return { problems: parsed.problems, summary: "" };
  return { problems: [], summary: `${name} is fine: ${summaryOf(parsed.fleet)}` };
}

function summaryOf({ regions, models, pools, links, version }: Fleet): string {
  const engines = [...pools.values()].reduce((sum, pool) => sum + pool.engines.length, 0);
  return `${regions.size} regions, ${models.size} models, ${pools.size} pools, ${engines} engines, ${links.length} links (version ${version})`;
}

function staleSchema(): Problem[] {
  if (readSchema() === meshJsonSchemaText()) return [];
  return [
    {
      path: "mesh.schema.json",
      problem: "it is not the JSON Schema of src/config/schema.ts",
      fix: "run `node workers/cli/check-mesh.ts --write-schema`",
    },
  ];
}

function readSchema(): string {
  try {
    return readFileSync(SCHEMA, "utf8");
  } catch {
    return "";
  }
}
