import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Responses } from "../../src/durable/responses.ts";
import type { Session } from "../../src/durable/session.ts";
import { createObjects } from "../../src/rpc/objects.ts";
import type { StoreAsk } from "../../src/rpc/session-messages.ts";
import { openAsk, settleAsk } from "./asks.ts";

const objects = createObjects(env);
const recallOf = (numbers: readonly number[], chainOf?: number, tenant = "acme") =>
  ({ v: 1, tenant, numbers, ...(chainOf !== undefined && { chainOf }) }) as const;

function storeAsk(number: number, members: Partial<StoreAsk> = {}): StoreAsk {
  const stored = { input: `[${number}]`, output: "[]", response: `{"n":${number}}` };
  return { v: 1, tenant: "acme", model: "m", number, stored, now: 1000 + number, ...members };
}

function fresh() {
  const name = crypto.randomUUID();
  const stub = env.SESSIONS.get(env.SESSIONS.idFromName(name));
  return { session: objects.session(name), stub };
}

describe("the responses of a session", () => {
  it("outlive its object, before and after its first turn is settled", async () => {
    const { session, stub } = fresh();
    expect(await session.store(storeAsk(1))).toEqual({ ok: true, v: 1 });
    await evictDurableObject(stub);
    await session.settle(settleAsk());
    await session.store(storeAsk(2, { previous: 1 }));
    await evictDurableObject(stub);
    expect(await session.recall(recallOf([1, 7], 2))).toEqual({
      ok: true,
      v: 1,
      chain: [1, 2].map((number) => ({ number, input: `[${number}]`, output: "[]" })),
      found: new Map([[1, storeAsk(1).stored]]),
    });
    expect(await session.open(openAsk())).toMatchObject({ ok: true, stats: { turns: 1 } });
  });

  it("are rows of at most a megabyte, however long they are and whatever they say", async () => {
    const { session, stub } = fresh();
    const long = JSON.stringify(["é🚀".repeat(500_000)]);
    const stored = { input: "[]", output: long, response: long };
    await session.store(storeAsk(5, { stored }));
    await session.store(storeAsk(4));
    const sizes = await runInDurableObject(stub, (_: Session, { storage }) => [
      ...storage.sql.exec<{ size: number }>(
        "SELECT LENGTH(items) + LENGTH(rest) AS size FROM responses",
      ),
    ]);
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes.map(({ size }) => size))).toBeLessThanOrEqual(1_000_000);
    expect(await session.recall(recallOf([5]))).toMatchObject({ found: new Map([[5, stored]]) });
    await session.store(storeAsk(5));
    expect(await session.recall(recallOf([5, 4]))).toMatchObject({
      found: new Map([
        [5, storeAsk(5).stored],
        [4, storeAsk(4).stored],
      ]),
    });
  });

  it("are no other tenant's, and none of a session that is not there", async () => {
    const { session } = fresh();
    const nothing = { ok: false, v: 1, code: "not_found" };
    expect(await session.recall(recallOf([1]))).toEqual(nothing);
    expect(await session.forget("acme", 1)).toEqual(nothing);
    await session.store(storeAsk(1));
    expect(await session.recall(recallOf([1], 1, "rival"))).toEqual(nothing);
    expect(await session.forget("rival", 1)).toEqual(nothing);
    expect(await session.store(storeAsk(1, { tenant: "rival" }))).toEqual(nothing);
    expect(await session.recall(recallOf([1]))).toMatchObject({ ok: true });
  });

  it("end with it: when it is erased, and when nobody came back", async () => {
    const { session, stub } = fresh();
    await session.store(storeAsk(1));
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await session.recall(recallOf([1]))).toMatchObject({ ok: true });
    await session.erase("acme");
    expect(await session.recall(recallOf([1]))).toMatchObject({ ok: false });
    await session.store(storeAsk(2));
    expect(await session.recall(recallOf([1, 2]))).toMatchObject({
      found: new Map([[2, storeAsk(2).stored]]),
    });
  });

  it("follow each other in a conversation, once however often they are stored", async () => {
    const { session } = fresh();
    const facts = { createdAt: 1, metadata: {} };
    expect(await session.converse({ v: 1, tenant: "acme", facts })).toEqual({ ok: true, v: 1 });
    for (const number of [1, 2, 2, 3]) {
      await session.store(storeAsk(number, { conversation: true }));
    }
    const recalled = await session.recall({ ...recallOf([]), conversation: true });
    expect(recalled).toMatchObject({
      conversation: facts,
      chain: [{ number: 1 }, { number: 2 }, { number: 3 }],
    });
    expect(await session.converse({ v: 1, tenant: "rival", facts })).toMatchObject({ ok: false });
    await session.erase("acme");
    expect(await session.converse({ v: 1, tenant: "acme", facts: "end" })).toMatchObject({
      ok: false,
    });
  });

  it("lose their oldest when there are too many, and a chain that lost one is gone", async () => {
    const { session, stub } = fresh();
    await session.store(storeAsk(0));
    await runInDurableObject(stub, (_: Session, { storage }) => {
      const responses = new Responses(storage.sql, { maxRows: 16, maxBytes: 1_000_000 });
      const numbers = Array.from({ length: 40 }, (_none, index) => index);
      for (const number of numbers) {
        const previous = number === 0 ? {} : { previous: number - 1 };
        responses.write(storeAsk(number, { ...previous, now: 1000 + ((number * 7) % 40) }));
      }
      const left = numbers.filter((number) => responses.read(number) !== undefined);
      expect(left.length).toBeGreaterThanOrEqual(14);
      expect(left.length).toBeLessThanOrEqual(16);
      expect(left).toContain(39);
      expect(responses.chain(39)).toEqual([]);
      const large = { input: "x".repeat(600_000), output: "[]", response: "{}" };
      responses.write(storeAsk(100, { stored: large, now: 5000 }));
      responses.write(storeAsk(101, { stored: large, now: 5001 }));
      expect(responses.read(100)).toBeUndefined();
      expect(responses.read(101)).toEqual(large);
      expect(responses.read(39)).toBeUndefined();
    });
  });
});
