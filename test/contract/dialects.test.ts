import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { Arena } from "./arena.ts";
import { CASES } from "./cases.ts";
import { contractTable } from "./table.ts";
import { CONTRACTS, dialectMesh } from "./dialect-mesh.ts";

const TIME_FACTOR = 0.1;

const started = useMesh({
  mesh: dialectMesh(),
  timeFactor: TIME_FACTOR,
  turnSettings: {
    keepAliveMs: 100,
    firstTokenTimeoutMs: 2500,
    firstTokenGraceMs: 500,
    idleTimeoutMs: 1500,
  },
});

describe.each(CONTRACTS)("engines that speak $dialect", (contract) => {
  let arena: Arena;

  beforeAll(async () => {
    arena = new Arena(started.mesh, contract, TIME_FACTOR);
    // Some families tell cached tokens only when they are told to.
    for (const name of arena.engines.names)
      await arena.engines.settings(name, { usageDetails: true });
  });

  beforeEach(() => arena.ready());

  const isWhole = process.env["CONTRACT"] === "whole";

  it.each(CASES.filter(({ isSlow }) => isWhole || !isSlow))("$name", async ({ run, expected }) => {
    expect(await run(arena)).toBe(expected(contract));
    await arena.quiet();
  });

  it("and their receipts agree with what the engines have counted", async () => {
    const report = await arena.drive(10);
    expect(report.receipts_missing).toBe(0);
    expect(report.reconcile?.engines.filter(({ ok }) => !ok)).toEqual([]);
  });
});

describe("the README's table of what becomes of a request", () => {
  it("is the one that this suite holds every dialect to", () => {
    const { written, made } = contractTable();
    expect(written).toBe(made);
  });
});
