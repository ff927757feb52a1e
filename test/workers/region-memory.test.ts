import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { countStorage } from "../../workers/bench/counted-storage.ts";
import { fresh, LONG, ONE_ENGINE, TWO_ENGINES } from "./fresh-region.ts";

type Fresh = ReturnType<typeof fresh>;

describe("what a region writes", () => {
  it("is one checkpoint a minute for legs that end within ten seconds", async () => {
    const region = fresh();
    const turn = async () => {
      const { ticket } = await region.granted();
      await region.pass(9900);
      await region.report({ ticket, event: "first-token", afterMs: 5000 });
      await region.report({ ticket, event: "done", afterMs: 9900 });
    };
    await turn();
    const written = await counted(region);
    for (let n = 0; n < 12; n += 1) await turn();
    expect(await rowsOf(region)).toEqual({ leases: 0, checkpoint: 1 });
    expect(written().rowsWritten, "in 119 s").toBe(1);
  });

  it("is nothing while nobody asks for anything", async () => {
    const region = fresh();
    const { ticket } = await region.granted();
    await region.pass(1000);
    await region.report({ ticket, event: "done", afterMs: 1000 });
    const written = await counted(region);
    await region.pass(120_000);
    await region.renew([]);
    await region.pass(120_000);
    await region.renew([]);
    expect(written().rowsWritten, "the end of the leg was new").toBe(1);
  });

  it("is one row for a leg that outlives ten seconds, and one for its end", async () => {
    const region = fresh();
    const { ticket } = await region.granted();
    await region.pass(5000);
    await region.renew([ticket]);
    const written = await counted(region);
    await region.pass(5000);
    await region.renew([ticket]);
    await region.pass(5000);
    await region.renew([ticket]);
    expect(await rowsOf(region)).toMatchObject({ leases: 1 });
    expect(written().rowsWritten).toBe(1);
    await region.report({ ticket, event: "done", afterMs: 15_000 });
    expect(await rowsOf(region)).toMatchObject({ leases: 0 });
    expect(written().rowsWritten).toBe(2);
  });
});

describe("a region that was evicted", () => {
  it("has not forgotten a leg that runs long, nor its ticket", async () => {
    const region = fresh(ONE_ENGINE);
    const { ticket } = await region.granted({ ticket: "long" });
    await region.pass(10_000);
    await region.renew([ticket]);
    await region.evict();
    expect((await batches(region))[0], "and the one that asks").toBe(2);
    await region.report({ ticket, event: "done", afterMs: 12_000 });
    expect((await batches(region))[0], "the next one that asks waits for the first").toBe(1);
    expect(await rowsOf(region)).toMatchObject({ leases: 0 });
  });

  it("lets go a leg that nobody renews any more, and deletes its row", async () => {
    const region = fresh(ONE_ENGINE);
    const { ticket } = await region.granted();
    await region.pass(10_000);
    await region.renew([ticket]);
    await region.evict();
    expect((await batches(region))[0], "and the one that asks").toBe(2);
    await region.pass(18_000);
    expect((await batches(region))[0], "only the one that asks now").toBe(1);
    expect(await rowsOf(region)).toMatchObject({ leases: 0 });
  });

  it("knows from its checkpoint which engine holds a prompt that no session claims", async () => {
    const region = fresh(TWO_ENGINES);
    const first = await region.granted({ chain: "ab" });
    await region.pass(1500);
    await region.report({ ticket: first.ticket, event: "done", afterMs: 1500 });
    await region.evict();
    const again = await region.granted({ chain: "ab" });
    expect(again).toMatchObject({ engine: first.engine, heldTokens: LONG - 1 });
  });

  it("takes a damaged checkpoint and a damaged lease for none", async () => {
    const region = fresh(TWO_ENGINES);
    const { ticket } = await region.granted({ chain: "ab" });
    await region.pass(10_000);
    await region.renew([ticket]);
    expect(await rowsOf(region)).toEqual({ leases: 1, checkpoint: 1 });
    await runInDurableObject(region.object(), (_, { storage }) => {
      storage.sql.exec("UPDATE checkpoint SET body = x'0123456789'");
      storage.sql.exec("UPDATE leases SET body = '{}'");
    });
    await region.evict();
    expect(await region.granted({ chain: "ab" })).toMatchObject({ heldTokens: 0 });
    expect(await batches(region)).toEqual([1, 1]);
    expect(await rowsOf(region)).toMatchObject({ leases: 0 });
  });

  it("believes sessions that learned what they hold after the checkpoint, and before it came back", async () => {
    const region = fresh(TWO_ENGINES);
    const first = await region.granted({ chain: "ab" });
    await region.pass(2000);
    await region.report({ ticket: first.ticket, event: "done", afterMs: 1500 });
    await region.pass(10_000);
    await region.evict();
    await region.renew([]);
    await region.pass(1000);
    const other = first.engine === "near-ams/0" ? "near-ams/1" : "near-ams/0";
    const claim = (heldAgesMs: Record<string, number>) =>
      region.granted({ chain: "ac", held: { [first.engine]: LONG, [other]: LONG }, heldAgesMs });
    const old = { [first.engine]: 20_000, [other]: 20_000 };
    expect(await claim({ ...old, [other]: 5000 })).toMatchObject({ engine: other });
  });

  it("grants half of what it has for fifteen seconds", async () => {
    const region = fresh(ONE_ENGINE);
    const free = async () => (await region.answered()).snapshot?.engines[1]?.kvFreeTokens ?? 0;
    const half = await free();
    await region.pass(15_000);
    const whole = await free();
    expect(half).toBeCloseTo(whole / 2);
    await region.evict();
    expect(await free()).toBe(half);
  });
});

/** Legs in the batch of each engine of the region after one more ask. */
async function batches(region: Fresh) {
  const { snapshot } = await region.answered();
  return snapshot?.engines.map(({ batch }) => batch) ?? [];
}

async function rowsOf(region: Fresh) {
  return runInDurableObject(region.object(), (_, { storage }) => {
    const count = (table: string) =>
      storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    return { leases: count("leases"), checkpoint: count("checkpoint") };
  });
}

/** Counts what the region's storage is asked from now on. */
async function counted(region: Fresh) {
  const counts = { rowsWritten: 0, rowsRead: 0, bytes: 0 };
  await runInDurableObject(region.object(), (_, { storage }) => countStorage(storage, counts));
  return () => counts;
}
