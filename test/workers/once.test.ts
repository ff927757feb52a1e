import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { RUN_LEASE_MS } from "../../src/core/once.ts";
import type { OnceKept } from "../../src/rpc/once-messages.ts";

const ask = { v: 1, fingerprint: "f", run: "r1", waitMs: 0 } as const;
const other = { ...ask, run: "r2" };
const answer: OnceKept = {
  status: 200,
  headers: { "content-type": "text/plain" },
  body: new Uint8Array(2_500_000).map((_, n) => n % 251),
};

function fresh() {
  return env.ONCE.get(env.ONCE.idFromName(crypto.randomUUID()));
}

describe("an idempotency key's object", () => {
  it("keeps an answer of several rows, byte for byte, though it is evicted", async () => {
    const once = fresh();
    expect(await once.claim(ask)).toMatchObject({ kind: "run" });
    await once.end({ v: 1, run: "r1", answer });
    await evictDurableObject(once);
    const again = await once.claim(other);
    expect(again).toMatchObject({ kind: "answered", status: 200, headers: answer.headers });
    expect("body" in again && again.body).toEqual(answer.body);
  });

  it("knows of a run though it is evicted, until the run is not heard of any more", async () => {
    const once = fresh();
    await once.claim(ask);
    await evictDurableObject(once);
    expect(await once.claim(other)).toMatchObject({ kind: "running" });
    const before = await runsUntil(once);
    await once.renew("r1");
    expect(await runsUntil(once)).toBeGreaterThanOrEqual(before);
    await runInDurableObject(once, (_, { storage }) => {
      const state = storage.kv.get<object>("state");
      storage.kv.put("state", { ...state, runsUntil: Date.now() - 1 });
    });
    await evictDurableObject(once);
    expect(await once.claim(other)).toMatchObject({ kind: "run" });
    // The lost run comes to its end after all: it has nothing to say any more.
    await once.end({ v: 1, run: "r1", answer });
    expect(await once.claim({ ...ask, run: "r3" })).toMatchObject({ kind: "running" });
  });

  it("answers whoever waits as soon as the run has ended", async () => {
    const once = fresh();
    await once.claim(ask);
    const waiting = once.claim({ ...other, waitMs: 4000 });
    await once.end({ v: 1, run: "r1", answer: "too-large" });
    expect(await waiting).toMatchObject({ kind: "too-large" });
  });

  it("lets one of those that wait run when the run has failed", async () => {
    const once = fresh();
    await once.claim(ask);
    const waiting = [other, { ...ask, run: "r3" }].map((one) =>
      once.claim({ ...one, waitMs: 1000 }),
    );
    await once.end({ v: 1, run: "r1" });
    const kinds = (await Promise.all(waiting)).map((reply) => reply.ok && reply.kind);
    expect(kinds.toSorted()).toEqual(["run", "running"]);
  });

  it("forgets when its time is over, and when it is told to", async () => {
    const once = fresh();
    await once.claim(ask);
    await once.end({ v: 1, run: "r1", answer });
    expect(await runDurableObjectAlarm(once)).toBe(true);
    expect(await keys(once)).toEqual([]);
    expect(await once.claim({ ...other, fingerprint: "g" })).toMatchObject({ kind: "run" });
    await once.erase();
    expect(await keys(once)).toEqual([]);
  });

  it("says nothing to messages of a version it does not know", async () => {
    const later = { ...ask, v: 2 as unknown as 1 };
    expect(await fresh().claim(later)).toMatchObject({ ok: false, code: "unknown_version" });
  });
});

function runsUntil(once: ReturnType<typeof fresh>): Promise<number> {
  return runInDurableObject(once, (_, { storage }) => {
    const until = storage.kv.get<{ runsUntil: number }>("state")?.runsUntil ?? 0;
    expect(until).toBeLessThanOrEqual(Date.now() + RUN_LEASE_MS);
    return until;
  });
}

function keys(once: ReturnType<typeof fresh>): Promise<string[]> {
  return runInDurableObject(once, async (_, { storage }) => [...(await storage.list()).keys()]);
}
