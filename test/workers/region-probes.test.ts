import { describe, expect, it } from "vitest";
import { fresh, ONE_ENGINE } from "./fresh-region.ts";

describe("a region", () => {
  it("has one of its callers find out how its engines are, and reckons with what that one tells", async () => {
    const region = fresh();
    const { probes } = await region.answered();
    expect(probes?.map(({ engine }) => engine).toSorted()).toEqual(["big-iad/0", "far-iad/0"]);
    await region.pass(1000);
    expect(await region.answered()).not.toHaveProperty("probes");
    const { ticket = "" } = probes?.find(({ engine }) => engine === ENGINE) ?? {};
    const told = { load: { running: 4, waiting: 8 }, afterMs: 900 };
    await region.report({ ...PROBED, ticket, afterMs: 900, told, isWell: true });
    const { snapshot } = await region.answered();
    const seen = snapshot?.engines.find(({ engine }) => engine === ENGINE);
    // Of twelve one was granted here, and waits or runs.
    expect(seen?.batch).toBeGreaterThan(3);
    await region.pass(5500);
    expect((await region.answered()).probes).toHaveLength(2);
  });

  it("hears of a leg what its engine told with it", async () => {
    const region = fresh();
    const { ticket } = await region.granted();
    await region.pass(500);
    const told = { load: { running: 9 }, afterMs: 450 };
    await region.report({ ticket, event: "first-token", afterMs: 460, told });
    const { snapshot } = await region.answered();
    const seen = snapshot?.engines.find(({ engine }) => engine === ENGINE);
    expect(seen?.batch).toBeGreaterThan(8);
  });
});

const ENGINE = `${ONE_ENGINE.pool}/0`;
const PROBED = { event: "probed", engine: ENGINE } as const;
