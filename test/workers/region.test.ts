import { describe, expect, it } from "vitest";
import { bookedFor } from "../../src/core/grant/enter.ts";
import { DISPATCH_AHEAD_MS } from "../../src/core/grant/may-go.ts";
import { fresh, LONG, TWO_ENGINES } from "./fresh-region.ts";

/** Prompts that an engine prefills in about 40 s, 0.5 s and 0.1 s. */
const HUGE = 500_000;
const MIDDLE = 30_000;
const SHORT = 10_000;

/** When the next leg is let go behind one that was granted now, ms. */
const startsAfter = (prefillMs: number) => bookedFor(prefillMs) - DISPATCH_AHEAD_MS;

describe("a region", () => {
  it("grants the engines of a pool in turn, whoever asks", async () => {
    const region = fresh(TWO_ENGINES);
    const [one, other] = await Promise.all([region.granted(), region.granted()]);
    expect([one.engine, other.engine].toSorted()).toEqual(["near-ams/0", "near-ams/1"]);
    expect(one.ticket).not.toBe(other.ticket);
  });

  it("tells no time but its distance, whatever its clock says", async () => {
    const region = fresh();
    await region.pass(86_400_000);
    const grant = await region.granted();
    expect(grant).toMatchObject({ engine: "far-iad/0", startInMs: 0 });
    expect(await region.reserve()).toMatchObject({
      answer: { kind: "queued", startInMs: expect.closeTo(startsAfter(grant.prefillMs), -2) },
    });
  });

  it("sends its snapshot to callers whose own is over a second old", async () => {
    const region = fresh();
    const { prefillMs } = await region.granted();
    const young = await region.reserve({ snapshotAgeMs: 900 });
    expect(young).not.toHaveProperty("snapshot");
    const old = await region.reserve({ snapshotAgeMs: 1100 });
    // Both that wait count as well.
    const queueMs = expect.closeTo(bookedFor(prefillMs) + 2 * prefillMs, -2);
    expect(old).toMatchObject({
      snapshot: {
        engines: [
          { engine: "far-iad/0", batch: 1, healthy: true, queueMs },
          { engine: "big-iad/0", batch: 0, queueMs: 0 },
        ],
      },
    });
  });

  it("lets legs of two callers go in its own order, not in theirs", async () => {
    const region = fresh();
    const running = await region.granted({ promptTokens: LONG });
    const long = await region.queued({ promptTokens: LONG });
    const short = await region.queued({ promptTokens: MIDDLE });
    const order: string[] = [];
    const claims = [
      region.claim(long).then(() => order.push("long")),
      region.claim(short).then(() => order.push("short")),
    ];
    await region.report({ ticket: running.ticket, event: "done", afterMs: 100 });
    await Promise.all(claims);
    expect(order).toEqual(["short", "long"]);
  });

  it("lets a leg of more priority go first, however long it is", async () => {
    const region = fresh();
    const running = await region.granted({ promptTokens: LONG });
    const batch = await region.queued({ promptTokens: SHORT, priority: 0 });
    const paid = await region.queued({ promptTokens: MIDDLE, priority: 2 });
    const order: string[] = [];
    const claims = [
      region.claim(batch).then(() => order.push("batch")),
      region.claim(paid).then(() => order.push("paid")),
    ];
    await region.report({ ticket: running.ticket, event: "done", afterMs: 100 });
    await Promise.all(claims);
    expect(order).toEqual(["paid", "batch"]);
  });

  it("holds a claim five seconds at most, whatever is reported meanwhile", async () => {
    const region = fresh();
    await region.granted({ promptTokens: HUGE });
    const waiting = await region.queued({ promptTokens: SHORT });
    let isHeld = true;
    const claimed = region.claim(waiting).finally(() => (isHeld = false));
    for (const passedMs of [100, 2000, 2800]) {
      await region.pass(passedMs);
      await region.report({ ticket: "nobody's", event: "done", afterMs: 0 });
      expect(isHeld).toBe(true);
    }
    await region.pass(200);
    await region.report({ ticket: "nobody's", event: "done", afterMs: 0 });
    expect(await claimed).toMatchObject({ ok: true, answer: { kind: "queued", ticket: waiting } });
  });

  it("frees what a leaver held within the call", async () => {
    const region = fresh();
    const running = await region.granted();
    await region.report({ ticket: running.ticket, event: "released", afterMs: 0 });
    expect(await region.granted()).toMatchObject({ startInMs: 0 });
  });

  it("lets the next go when a leaver gives up its place in the queue", async () => {
    const region = fresh();
    const running = await region.granted();
    const leaver = await region.queued({ promptTokens: MIDDLE });
    const next = await region.queued({ promptTokens: LONG });
    const claimed = region.claim(next);
    await region.report({ ticket: leaver, event: "withdrawn", afterMs: 0 });
    await region.report({ ticket: running.ticket, event: "done", afterMs: 100 });
    expect(await claimed).toMatchObject({ ok: true, answer: { kind: "granted" } });
    expect(await region.claim(leaver)).toMatchObject({ ok: false, code: "unknown_ticket" });
  });

  it("takes a grant back that nobody renews, and keeps one that somebody does", async () => {
    const region = fresh(TWO_ENGINES);
    const lost = await region.granted();
    const kept = await region.granted();
    await region.pass(12_000);
    await region.renew([kept.ticket]);
    await region.pass(12_000);
    const third = await region.answered({ avoid: [lost.engine] });
    const batchOf = (id: string) =>
      third.snapshot?.engines.find(({ engine }) => engine === id)?.batch;
    expect([batchOf(lost.engine), batchOf(kept.engine)], "the third is with the kept one").toEqual([
      0, 2,
    ]);
  });

  it("frees what a ticket came to when its caller gives that up: a grant, or a place", async () => {
    const region = fresh();
    const running = await region.granted({ ticket: "one" });
    expect(running.ticket).toBe("one");
    const next = await region.queued({ ticket: "two" });
    const last = await region.queued({ ticket: "three" });
    expect([next, last]).toEqual(["two", "three"]);
    await region.report({ ticket: "two", event: "withdrawn", afterMs: 0 });
    const claimed = region.claim(last);
    await region.report({ ticket: "one", event: "withdrawn", afterMs: 0 });
    expect(await claimed).toMatchObject({
      answer: { kind: "granted", grant: { ticket: "three", startInMs: 0 } },
    });
  });

  it("grants nothing to a ticket that was given up before it was heard of", async () => {
    const region = fresh();
    await region.report({ ticket: "overtaken", event: "withdrawn", afterMs: 0 });
    const late = await region.reserve({ ticket: "overtaken" });
    expect(late).toMatchObject({ ok: false, code: "unknown_ticket" });
    expect(await region.granted()).toMatchObject({ startInMs: 0 });
  });

  it("answers messages of another version with a value", async () => {
    const { object, message } = fresh();
    const stub = object();
    const unknown = { ok: false, v: 1, code: "unknown_version" };
    const v = 2 as unknown as 1;
    expect(await stub.reserve({ ...message(), v })).toEqual(unknown);
    expect(await stub.claim({ v, region: "iad", pool: "far-iad", ticket: "t" })).toEqual(unknown);
    const reports = { events: [], renewed: [], running: [] };
    expect(await stub.report({ v, region: "iad", reports })).toEqual(unknown);
  });

  it("has lost its queue when it was evicted, and learns from asks what sessions hold", async () => {
    const region = fresh(TWO_ENGINES);
    const before = await region.granted();
    await region.granted();
    const waiting = await region.queued();
    await region.evict();
    expect(await region.claim(waiting)).toMatchObject({ ok: false, code: "unknown_ticket" });
    await region.report({ ticket: before.ticket, event: "done", afterMs: 100 });
    const held = { "near-ams/1": 20_000 };
    const again = await region.granted({ held });
    expect(again).toMatchObject({ engine: "near-ams/1", heldTokens: 20_000, startInMs: 0 });
    expect(await region.granted()).toMatchObject({ engine: "near-ams/0", startInMs: 0 });
  });

  it("reckons with legs it is told of, by the tickets of those who tell", async () => {
    const region = fresh(TWO_ENGINES);
    const { wanted } = region.message();
    const leg = { ticket: "elsewhere", engine: "near-ams/1", wanted, ranMs: 100 };
    await region.tell([leg]);
    await region.tell([leg]);
    const grant = await region.granted();
    expect(grant).toMatchObject({ engine: "near-ams/0", startInMs: 0 });
    expect(await region.reserve()).toMatchObject({
      answer: { kind: "queued", startInMs: expect.closeTo(startsAfter(grant.prefillMs) - 100, -2) },
    });
    await region.report({ ticket: "elsewhere", event: "released", afterMs: 100 });
    const { snapshot } = await region.answered({ promptTokens: SHORT });
    const batches = snapshot?.engines.map(({ engine, batch }) => [engine, batch]);
    expect(batches, "this and the one that waited went where the other left").toEqual([
      ["near-ams/0", 1],
      ["near-ams/1", 2],
    ]);
  });
});
