import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createObjects } from "../../src/rpc/objects.ts";
import type { KeepKvAsk } from "../../src/rpc/session-messages.ts";
import { makeRoom, putBlob } from "../../src/rpc/kv-blobs.ts";
import { kvKeys } from "../../workers/edge/kv-keys.ts";
import { kvTiersOf } from "../../workers/edge/kv-tiers.ts";
import { settleAsk } from "./asks.ts";

const objects = createObjects(env);
const bucket = env.KV_BLOBS;
const MB = 1024 * 1024;

describe("a state in R2", () => {
  it.each([100, 8 * MB, 8 * MB + 1, 21 * MB])("comes back as it was: %i bytes", async (size) => {
    const bytes = noise(size);
    const key = fresh();
    expect(await putBlob(bucket, key, streamOf(bytes), 64 * MB)).toBe(size);
    const back = new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? []);
    expect(await digest(back)).toBe(await digest(bytes));
  });

  it("is not there when its stream was cut", async () => {
    const key = fresh();
    await expect(putBlob(bucket, key, cutAfter(noise(9 * MB)), 64 * MB)).rejects.toThrow("reset");
    expect(await bucket.head(key)).toBeNull();
  });

  it("is not there when it is longer than it may be", async () => {
    const key = fresh();
    const putting = putBlob(bucket, key, streamOf(noise(17 * MB)), 16 * MB);
    await expect(putting).rejects.toThrow("over");
    expect(await bucket.head(key)).toBeNull();
  });
});

describe("what a tenant has in R2", () => {
  it("makes room for more by its oldest, and leaves other tenants' alone", async () => {
    const [own, other] = [fresh(), fresh()];
    for (const name of ["a", "b", "c"]) {
      await bucket.put(`${own}/${name}`, noise(1000));
      // Times of R2 are in milliseconds.
      await expect.poll(() => Date.now()).toBeGreaterThan(Date.now());
    }
    await bucket.put(`${other}/a`, noise(5000));
    await makeRoom(bucket, `${own}/`, 1500, 3000);
    expect((await bucket.list({ prefix: own })).objects.map(({ key }) => key)).toEqual([
      `${own}/c`,
    ]);
    expect(await bucket.head(`${other}/a`)).not.toBeNull();
  });

  it("is never over its bound, however many sessions export", async () => {
    const tenant = crypto.randomUUID();
    const tiers = kvTiersOf({ ...env, KV_TENANT_BYTES: "10000" }, {});
    for (let n = 0; n < 6; n += 1) {
      const { name, ask } = await session(tenant);
      expect(await tiers.keep(name, ask, streamOf(noise(4000)))).toMatchObject({ ok: true });
      const { objects } = await bucket.list({ prefix: `kv/${tenant}/` });
      expect(objects.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(10_000);
    }
    const { name, ask } = await session(tenant, 20_000);
    expect(await tiers.keep(name, ask, streamOf(noise(20_000)))).toMatchObject({
      ok: false,
      why: "it is over what its tenant may have",
    });
  });

  it("keeps nothing of a session that was erased while it was written", async () => {
    const tenant = crypto.randomUUID();
    const { name, ask } = await session(tenant);
    await objects.session(name).erase("acme");
    const kept = await kvTiersOf(env, {}).keep(name, ask, streamOf(noise(4000)));
    expect(kept).toEqual({ ok: false, why: "its session was erased" });
    expect((await bucket.list({ prefix: `kv/${tenant}/` })).objects).toEqual([]);
  });

  it("keeps nothing of a stream that was cut, in either tier", async () => {
    const tenant = crypto.randomUUID();
    const { name, ask } = await session(tenant);
    const { key: _key, ...inRows } = { ...ask.kv, tier: "edge" as const };
    const tiers = kvTiersOf(env, {});
    for (const kv of [ask.kv, inRows]) {
      const kept = await tiers.keep(name, { ...ask, kv }, cutAfter(noise(3000)));
      expect(kept).toEqual({ ok: false, why: "the transfer broke off" });
    }
    expect((await bucket.list({ prefix: `kv/${tenant}/` })).objects).toEqual([]);
    expect(await tiers.open(name, "acme", ask.kv)).toBeUndefined();
    expect(await tiers.open(name, "acme", inRows)).toBeUndefined();
  });
});

describe("without R2", () => {
  it("offers the rows of sessions alone", () => {
    const { KV_BLOBS: _bucket, ...rest } = env;
    expect(kvTiersOf(rest, {}).offered).toEqual(["edge"]);
    expect(kvTiersOf(env, {}).offered).toEqual(["edge", "object"]);
  });
});

describe("the keys of stored KV cache", () => {
  it("are 32 bytes, the same each time, and others for each tenant, state and secret", async () => {
    const keyOf = await kvKeys("one secret of more than thirty-two characters");
    const another = await kvKeys("two secrets of more than thirty-two characters");
    const key = await keyOf("acme", "rct_1");
    expect(atob(key)).toHaveLength(32);
    expect(await keyOf("acme", "rct_1")).toBe(key);
    const others = [
      await keyOf("rival", "rct_1"),
      await keyOf("acme", "rct_2"),
      await another("acme", "rct_1"),
    ];
    expect(new Set([key, ...others]).size).toBe(4);
  });
});

/** A session of its own with one turn, and what keeps that in R2 below a prefix of `tenant`. */
async function session(tenant: string, bytes = 4000) {
  const name = crypto.randomUUID();
  await objects.session(name).settle(settleAsk());
  const ask: KeepKvAsk = {
    v: 1,
    tenant: "acme",
    branch: 0,
    kv: {
      id: "kv-1",
      tier: "object",
      key: `kv/${tenant}/${name}/kv-1`,
      links: 2,
      tokens: 10,
      bytes,
      engine: "h/0",
      at: Date.now(),
    },
  };
  return { name, ask };
}

function fresh(): string {
  return `kv-tiers/${crypto.randomUUID()}`;
}

function noise(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, n) => (n * 2_654_435_761) >>> 13);
}

function streamOf(bytes: Uint8Array, piece = 300_007): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + piece));
      else controller.close();
      at += piece;
    },
  });
}

function cutAfter(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream({
    pull(controller) {
      if (isOver) controller.error(new Error("connection reset"));
      else controller.enqueue(bytes);
      isOver = true;
    },
  });
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).join();
}
