import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Import, ROOT, importsIn, importsOf, sourceFiles } from "../support/imports.ts";

/** Who may import whom among the folders of `src/`; DESIGN §9. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  rpc: ["core"],
  apps: ["core"],
  engines: ["core"],
  region: ["core", "rpc", "engines"],
  turn: ["core", "rpc", "region"],
  http: ["core", "config", "rpc", "apps", "turn"],
  durable: ["core", "config", "rpc"],
  sim: ["core"],
  traces: ["core"],
  replay: ["core", "config", "sim", "traces"],
  drive: ["core", "traces"],
  console: ["core"],
};

const MAX_LINES = 300;
const ownFiles = ["src", "workers", "test"].flatMap(sourceFiles);

describe("imports", () => {
  it("keep to the table of folders", () => {
    expect(sourceFiles("src").flatMap(importsOf).filter(breaksTable).map(show)).toEqual([]);
  });

  it("bring nothing from outside into src/core", () => {
    const brought = sourceFiles("src/core")
      .flatMap(importsOf)
      .filter(({ isPackage }) => isPackage);
    expect(brought.map(show)).toEqual([]);
  });

  it("reach into workers/ from workers/ and tests only", () => {
    const reaching = ownFiles
      .filter((file) => !/^(workers|test)\//.test(file))
      .flatMap(importsOf)
      .filter(({ to, isPackage }) => !isPackage && to.startsWith("workers/"));
    expect(reaching.map(show)).toEqual([]);
  });

  it("never join two dialects", () => {
    expect(sourceFiles("src/engines").flatMap(importsOf).filter(joinsDialects).map(show)).toEqual(
      [],
    );
  });
});

describe("the checks themselves", () => {
  it("see imports, re-exports, types and dynamic imports", () => {
    const source = `
      import type { A } from "../turn/a.ts";
      export * from "../turn/b.ts";
      export { c } from "../turn/c.ts";
      const d = await import("../turn/d.ts");
      type E = import("../turn/e.ts").E;`;
    const broken = importsIn("src/core/example.ts", source).filter(breaksTable);
    expect(broken.map(({ to }) => to)).toEqual(
      ["a", "b", "c", "d", "e"].map((name) => `src/turn/${name}.ts`),
    );
  });

  it("tell dialects from what they share", () => {
    const source = `import "../sglang/dialect.ts"; import "../dialect.ts"; import "../load/orca.ts"; import "./load.ts";`;
    const joined = importsIn("src/engines/openai/example.ts", source).filter(joinsDialects);
    expect(joined.map(({ to }) => to)).toEqual(["src/engines/sglang/dialect.ts"]);
  });
});

describe("files", () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = ownFiles.filter((file) => lines(file) > MAX_LINES);
    expect(long.map((file) => `${file}: ${lines(file)} lines`)).toEqual([]);
  });
});

function breaksTable({ from, to, isPackage }: Import): boolean {
  if (isPackage) return false;
  const [, folder = ""] = from.split("/");
  const [top, target = ""] = to.split("/");
  if (top !== "src") return true;
  return target !== folder && !(MAY_IMPORT[folder] ?? []).includes(target);
}

function joinsDialects({ from, to, isPackage }: Import): boolean {
  const [here, there] = [dialectOf(from), dialectOf(to)];
  return !isPackage && here !== undefined && there !== undefined && here !== there;
}

function dialectOf(path: string): string | undefined {
  return /^src\/engines\/(?!load\/)([^/]+)\//.exec(path)?.[1];
}

function show({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function lines(file: string): number {
  return readFileSync(join(ROOT, file), "utf8").trimEnd().split("\n").length;
}
