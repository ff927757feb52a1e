import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Receipts } from "../../src/durable/receipts.ts";
import { createObjects, receiptsDay, receiptsName } from "../../src/rpc/objects.ts";
import { receiptOf } from "./receipts.ts";

const objects = createObjects(env);
const dayMs = 86_400_000;

describe("the audit log of a day", () => {
  it("gives receipts back by id and by session, newest first, after an eviction too", async () => {
    const { name, log } = fresh();
    const packed = [receiptOf("r1", "s1"), receiptOf("r2", "s2"), receiptOf("r3", "s1")];
    expect(await log.append({ v: 1, receipts: packed })).toEqual({
      v: 1,
      ok: true,
      rows: 1,
      refused: [],
    });
    await log.append({ v: 1, receipts: [receiptOf("r4", "s1")] });
    await evictDurableObject(stubOf(name));
    expect(await log.read("r2", "acme")).toEqual({ v: 1, ok: true, receipt: packed[1] });
    const bySession = await log.bySession("s1", 2, "acme");
    expect(bySession.receipts.map(({ id }) => id)).toEqual(["r4", "r3"]);
  });

  it("writes a receipt once however often it is appended", async () => {
    const { name, log } = fresh();
    const receipts = [receiptOf("r1", "s1"), receiptOf("r2", "s1")];
    await log.append({ v: 1, receipts });
    expect(await log.append({ v: 1, receipts })).toMatchObject({ rows: 0 });
    await evictDurableObject(stubOf(name));
    await log.append({ v: 1, receipts: [...receipts, receiptOf("r3", "s1")] });
    const bySession = await log.bySession("s1", 10, "acme");
    expect(bySession.receipts.map(({ id }) => id)).toEqual(["r3", "r2", "r1"]);
  });

  it("shows nothing to another tenant, and nothing where nothing was written", async () => {
    const { log } = fresh();
    const notFound = { v: 1, ok: false, code: "not_found" };
    expect(await log.read("r1", "acme")).toEqual(notFound);
    await log.append({ v: 1, receipts: [receiptOf("r1", "s1")] });
    expect(await log.read("r1", "eve")).toEqual(notFound);
    expect(await log.read("r", "acme")).toEqual(notFound);
    expect((await log.bySession("s1", 10, "eve")).receipts).toEqual([]);
  });

  it("splits a pack that is too big for one row, and refuses a receipt that is", async () => {
    const { log } = fresh();
    const big = "x".repeat(800_000);
    const receipts = [
      receiptOf("r1", "s1", { error: big }),
      receiptOf("r2", "s1", { error: big }),
      receiptOf("r3", "s1", { error: big + big }),
    ];
    expect(await log.append({ v: 1, receipts })).toMatchObject({ rows: 2, refused: ["r3"] });
    expect(await log.read("r2", "acme")).toMatchObject({ ok: true });
  });

  it("ignores packs of a version it does not know", async () => {
    const { log } = fresh();
    const receipts = [receiptOf("r1", "s1")];
    expect(await log.append({ v: 2 as unknown as 1, receipts })).toMatchObject({ rows: 0 });
    expect(await log.read("r1", "acme")).toMatchObject({ ok: false });
  });

  it("expires after its days, counted from the last receipt", async () => {
    const { name, log } = fresh();
    await log.append({ v: 1, receipts: [receiptOf("r1", "s1")] });
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(true);
    expect(await log.read("r1", "acme")).toMatchObject({ ok: true });
    await runInDurableObject(stubOf(name), (_, state) => {
      state.storage.sql.exec("UPDATE packs SET at = ?", Date.now() - 2 * dayMs);
    });
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(true);
    expect(await log.read("r1", "acme")).toMatchObject({ ok: false });
    expect(await log.append({ v: 1, receipts: [receiptOf("r1", "s1")] })).toMatchObject({
      rows: 1,
    });
  });
});

function fresh() {
  const name = receiptsName(crypto.randomUUID(), receiptsDay(Date.now()), 0);
  return { name, log: objects.receipts(name) };
}

function stubOf(name: string): DurableObjectStub<Receipts> {
  return env.RECEIPTS.get(env.RECEIPTS.idFromName(name));
}
