import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createObjects } from "../../src/rpc/objects.ts";
import type { KeepKvAsk, StoredKv } from "../../src/rpc/session-messages.ts";
import { chainOf, openAsk, settleAsk } from "./asks.ts";

const objects = createObjects(env);
const MB = 1024 * 1024;

describe("the edge tier of a session", () => {
  it("gives back the bytes it was given, also after it left memory", async () => {
    const { name, session } = await settled();
    const bytes = noise(3 * MB + 17);
    expect(await session.keepKv(keepAsk(), streamOf(bytes, 70_001))).toEqual({ ok: true, v: 1 });
    await evictDurableObject(stubOf(name));
    expect(await bytesOf(name, "kv-1")).toEqual(bytes);
  });

  it("keeps no row over 2 MB, whatever the pieces are that it comes in", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(8 * MB), 5 * MB));
    const rows = await rowsOf(name);
    expect(rows).toHaveLength(8);
    expect(Math.max(...rows.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MB);
  });

  it("is told of with the session and to the next turn, with what it really measured", async () => {
    const { session } = await settled();
    await session.keepKv(keepAsk({ bytes: 1 }), streamOf(noise(5000)));
    expect(await session.open(openAsk({ chain: chainOf("abc"), answers: ["a1"] }))).toMatchObject({
      stored: { id: "kv-1", tier: "edge", tokens: 1050, links: 2, bytes: 5000 },
    });
    expect(await session.view("acme", "s")).toMatchObject({
      view: {
        branches: [
          { residency: [{ tier: "edge", from: "h/0", links: 2, tokens: 1050, bytes: 5000 }] },
        ],
      },
    });
  });

  it("is cut to what a conversation has in common with it", async () => {
    const { session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(100)));
    expect(await session.open(openAsk({ chain: chainOf("ax"), inferred: false }))).toMatchObject({
      stored: { id: "kv-1", links: 1, tokens: 525 },
    });
    expect(await session.open(openAsk({ chain: chainOf("xy") }))).not.toHaveProperty("stored");
  });

  it("takes the place of what was stored of the branch before", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(5 * MB)));
    const second = keepAsk({ id: "kv-2", at: Date.now() + 1 });
    expect(await session.keepKv(second, streamOf(noise(6 * MB)))).toMatchObject({ ok: true });
    expect(new Set((await rowsOf(name)).map(({ id }) => id))).toEqual(new Set(["kv-2"]));
    expect(await session.readKv("acme", "kv-1")).toMatchObject({ code: "not_found" });
  });

  it("never holds more than 8 MB of a session: the oldest branch goes", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(5 * MB)));
    await session.settle(settleAsk({ chain: chainOf("xy"), branch: 1, answer: "b1" }));
    const other = { ...keepAsk({ id: "kv-2", at: Date.now() + 1 }), branch: 1 };
    await session.keepKv(other, streamOf(noise(4 * MB)));
    const rows = await rowsOf(name);
    expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(4 * MB);
    expect(await session.open(openAsk({ chain: chainOf("ab") }))).not.toHaveProperty("stored");
  });
});

describe("an export that fails", () => {
  it("leaves nothing when it is over 8 MB", async () => {
    const { name, session } = await settled();
    const reply = await session.keepKv(keepAsk(), streamOf(noise(8 * MB + 1)));
    expect(reply).toMatchObject({ ok: false, code: "too_large" });
    expect(await rowsOf(name)).toEqual([]);
    expect(await session.open(openAsk())).not.toHaveProperty("stored");
  });

  it("leaves nothing, and what was there before, when its stream is cut", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(100)));
    const second = keepAsk({ id: "kv-2", at: Date.now() + 1 });
    const reply = await session.keepKv(second, cutStream(noise(3 * MB)));
    expect(reply).toMatchObject({ ok: false, code: "cut" });
    expect((await rowsOf(name)).map(({ id }) => id)).toEqual(["kv-1"]);
  });

  it("leaves nothing with a session that was erased meanwhile, or is another tenant's", async () => {
    const { name, session } = await settled();
    const strange = { ...keepAsk(), tenant: "rival" };
    expect(await session.keepKv(strange, streamOf(noise(10)))).toMatchObject({ code: "not_found" });
    await session.erase("acme");
    expect(await session.keepKv(keepAsk(), streamOf(noise(10)))).toMatchObject({
      code: "not_found",
    });
    expect(await tablesOf(name)).toEqual([]);
  });

  it("does not replace what is newer", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk({ at: 2000 }), streamOf(noise(10)));
    const late = keepAsk({ id: "kv-2", at: 1000 });
    expect(await session.keepKv(late, streamOf(noise(10)))).toMatchObject({ code: "stale" });
    expect((await rowsOf(name)).map(({ id }) => id)).toEqual(["kv-1"]);
  });
});

describe("a session's stored KV cache", () => {
  it("is not given to another tenant", async () => {
    const { session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(10)));
    expect(await session.readKv("rival", "kv-1")).toMatchObject({ ok: false, code: "not_found" });
  });

  it("goes when a turn found it spoiled", async () => {
    const { name, session } = await settled();
    await session.keepKv(keepAsk(), streamOf(noise(10)));
    await session.settle(settleAsk({ chain: chainOf("abc"), answers: ["a1"], spoiled: "kv-1" }));
    expect(await rowsOf(name)).toEqual([]);
  });

  it("is erased with the session, in R2 as well", async () => {
    const { name, session, key } = await settledWithBlob();
    await session.erase("acme");
    expect(await env.KV_BLOBS.head(key)).toBeNull();
    expect(await tablesOf(name)).toEqual([]);
  });

  it("is erased when the session expires, also one in R2 of whose end nobody told", async () => {
    const { name, key } = await settledWithBlob(Date.now() - 2 * 3_600_000);
    expect(await runDurableObjectAlarm(stubOf(name))).toBe(true);
    expect(await env.KV_BLOBS.head(key)).toBeNull();
  });

  it("deletes from R2 what another state took the place of", async () => {
    const { session, key } = await settledWithBlob();
    const first = { ...keepAsk({ tier: "object", key }) };
    expect(await session.keepKv(first)).toEqual({ ok: true, v: 1 });
    await session.keepKv(keepAsk({ id: "kv-2", at: Date.now() + 1 }), streamOf(noise(10)));
    await expect.poll(() => env.KV_BLOBS.head(key)).toBeNull();
  });
});

async function settled() {
  const name = crypto.randomUUID();
  const session = objects.session(name);
  await session.settle(settleAsk());
  return { name, session };
}

/** A session that was told what is about to be written to R2, and nothing after that. */
async function settledWithBlob(now = Date.now()) {
  const name = crypto.randomUUID();
  const key = `kv/${name}`;
  const session = objects.session(name);
  await session.settle(settleAsk({ blob: key, now }));
  await env.KV_BLOBS.put(key, noise(1000));
  return { name, session, key };
}

function keepAsk(change: Partial<StoredKv> = {}): KeepKvAsk {
  const kv: StoredKv = {
    id: "kv-1",
    tier: "edge",
    links: 2,
    tokens: 1050,
    bytes: 100,
    engine: "h/0",
    at: Date.now(),
    ...change,
  };
  return { v: 1, tenant: "acme", branch: 0, kv };
}

function noise(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, n) => (n * 2_654_435_761) >>> 13);
}

function streamOf(bytes: Uint8Array, piece = 65_536): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
}

function cutStream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(bytes.slice());
      else controller.error(new Error("connection reset"));
    },
  });
}

function stubOf(name: string) {
  return env.SESSIONS.get(env.SESSIONS.idFromName(name));
}

async function bytesOf(name: string, id: string): Promise<Uint8Array> {
  const reply = await objects.session(name).readKv("acme", id);
  if (!reply.ok) throw new Error(reply.code);
  return new Uint8Array(await new Response(reply.body).arrayBuffer());
}

async function rowsOf(name: string): Promise<{ id: string; bytes: number }[]> {
  if (!(await tablesOf(name)).includes("kv")) return [];
  return runInDurableObject(stubOf(name), (_, { storage }) =>
    storage.sql
      .exec<{ id: string; bytes: number }>("SELECT id, length(body) AS bytes FROM kv ORDER BY n")
      .toArray(),
  );
}

function tablesOf(name: string): Promise<string[]> {
  return runInDurableObject(stubOf(name), (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name IN ('kv', 'turns')")
      .toArray()
      .map(({ name }) => name),
  );
}
