import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseMesh } from "../../src/config/parse.ts";
import { meshSchema } from "../../src/config/schema.ts";
import { dialects } from "../../src/engines/registry.ts";
import { meshFile, type TestMesh } from "../support/mesh-file.ts";
import { ROOT } from "../support/imports.ts";

const GUIDE = "docs/add-an-engine.md";

describe.each(["README.md", GUIDE, "src/engines/README.md"])("%s", (file) => {
  it.each(examplesOf(file))("shows a part of a mesh.json that is fine: $pools", ({ members }) => {
    const parsed = parseMesh({ ...bareMesh(), ...members }, dialects);
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
  });

  it("names files that are there", () => {
    const named = textOf(file).matchAll(/`((?:src|test|workers|docs|fleets)\/[\w./-]+)`/g);
    const missing = [...named].flatMap(([, path = ""]) =>
      existsSync(join(ROOT, path)) ? [] : [path],
    );
    expect(missing).toEqual([]);
  });
});

describe(GUIDE, () => {
  it("has an example in every dialect", () => {
    const spoken = examplesOf(GUIDE).flatMap(({ members }) =>
      Object.values(members.pools ?? {}).map(({ dialect }) => dialect),
    );
    expect([...dialects.keys()].filter((name) => !spoken.includes(name))).toEqual([]);
  });

  it("names every member of a pool and of an engine", () => {
    const pool = meshSchema.shape.pools.valueType;
    const members = [pool, pool.shape.engines.element].flatMap(({ shape }) => Object.keys(shape));
    expect(members.filter((name) => !textOf(GUIDE).includes(`\`${name}\``))).toEqual([]);
  });
});

type Example = {
  /** Their names. */
  readonly pools: string;
  readonly members: { readonly pools?: Record<string, { readonly dialect: string }> };
};

/** The `jsonc` blocks of a page: members of a `mesh.json`, with comments. */
function examplesOf(file: string): Example[] {
  return [...textOf(file).matchAll(/^```jsonc\n(.*?)^```$/gms)].map(([, block = ""]) => {
    const json = `{${block.replaceAll(/\s\/\/.*$/gm, "")}}`;
    const members = JSON.parse(json) as Example["members"];
    return { pools: Object.keys(members.pools ?? {}).join(", "), members };
  });
}

/** Regions and prices of the repository's `mesh.json` and the model that examples serve, without any pool. */
function bareMesh(): object {
  const { models, ...mesh } = meshFile() as TestMesh & { readonly models: object };
  const served = Object.entries(models).filter(([name]) => name === "llama-3.3-70b");
  return { ...mesh, models: Object.fromEntries(served), pools: {}, links: [], rules: [] };
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}
