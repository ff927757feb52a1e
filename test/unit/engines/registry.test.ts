import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Dialect } from "../../../src/engines/dialect.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { dialectNamed } from "../../../workers/emulator/dialects/registry.ts";
import { CONTRACTS } from "../../contract/dialect-mesh.ts";
import { ROOT } from "../../support/imports.ts";

/** Spoken by a hosted API through a binding: there is no HTTP to emulate. */
const NOT_EMULATED = ["workers-ai"];
const all = [...dialects.values()];

describe("the registry of dialects", () => {
  it("has the dialect of every folder, under the folder's name", async () => {
    const exported = await Promise.all(dialectFolders().map(dialectIn));
    expect(exported.map(({ name }) => name)).toEqual(dialectFolders());
    expect(exported.filter((dialect) => dialects.get(dialect.name) !== dialect)).toEqual([]);
  });

  it("has an emulator for every dialect that is spoken over HTTP", () => {
    const fallback = dialectNamed("openai");
    const missing = all.filter(({ name }) => dialectNamed(name) === fallback);
    expect(missing.map(({ name }) => name)).toEqual(["openai", ...NOT_EMULATED]);
  });

  it("has a row of the contract for every dialect that hands off", () => {
    const splitting = all.filter(({ handsOff }) => handsOff).map(({ name }) => name);
    const held = CONTRACTS.map(({ dialect }) => dialect);
    expect(splitting.filter((name) => !held.includes(name))).toEqual([]);
  });
});

describe("every dialect", () => {
  it.each(all)("$name tells cached tokens of a split only where it can be split", (dialect) => {
    const { disaggregated } = dialect.capabilities.cachedFrom;
    expect(disaggregated !== "none").toBe(dialect.handsOff);
  });

  it.each(all)("$name sends both legs at once where they meet, and else not", (dialect) => {
    const { coupling, order } = dialect.capabilities;
    expect(order).toBe(coupling === "rendezvous" ? "concurrent" : "serial");
  });
});

function dialectFolders(): string[] {
  return readdirSync(join(ROOT, "src/engines"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "load")
    .map(({ name }) => name)
    .toSorted();
}

async function dialectIn(folder: string): Promise<Dialect> {
  const exported = (await import(join(ROOT, "src/engines", folder, "dialect.ts"))) as object;
  const [dialect] = Object.values(exported) as Dialect[];
  if (dialect === undefined) throw new TypeError(`${folder}/dialect.ts exports nothing`);
  return dialect;
}
