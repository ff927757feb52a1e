import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RegionReserveReply } from "../../../src/rpc/region-messages.ts";
import { byObject, grantOf, lost, placeOf, reserveAsk, RTT_MS } from "./fake-region.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a region that answers", () => {
  it("is obeyed, and its distances in time become times here", async () => {
    const { service, said } = byObject({});
    const now = Date.now();
    const answer = await service.reserve(reserveAsk());
    expect(answer).toMatchObject({
      kind: "granted",
      grant: { engine: "h200/1", startAt: now + 5 },
    });
    expect(said.reserves).toMatchObject([
      { v: 1, region: "iad", standing: { deadlineInMs: Infinity }, snapshotAgeMs: Infinity },
    ]);
    expect(said.reserves[0]?.wanted).not.toHaveProperty("now");
  });

  it("tells the round trip by the time its answer took, less its own", async () => {
    const { service, observed } = byObject({
      reserve: () => later(30, { ...grantOf("h200/1"), tookMs: 10 }),
    });
    await passing(30, service.reserve(reserveAsk()));
    expect(observed).toEqual([20]);
  });

  it("hears reports with the next reserve, less the way to the engine and back", async () => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(50);
    const now = Date.now();
    service.report({ v: 1, ticket: "t1", event: "first-token", now });
    await service.reserve(reserveAsk());
    const event = { ticket: "t1", event: "first-token", afterMs: 50 - RTT_MS };
    expect(said.reserves[1]?.reports.events).toMatchObject([event]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(said.reports, "nothing was left to tell").toEqual([]);
  });

  it("hears reports within a moment when nothing else is to be asked, many in one", async () => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk());
    const report = { v: 1, ticket: "t1", now: Date.now() } as const;
    service.report({ ...report, event: "first-token" });
    const usage = { promptTokens: 9, outputTokens: 4 };
    service.report({ ...report, event: "done", usage });
    service.report({ ...report, event: "done", usage });
    await vi.advanceTimersByTimeAsync(100);
    expect(said.reports.map(({ reports }) => reports.events)).toMatchObject([
      [{ event: "first-token" }, { event: "done", outputTokens: 4 }],
    ]);
  });

  it("hears at once of who leaves", async () => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk());
    service.report({ v: 1, ticket: "t1", event: "released", now: Date.now() });
    await vi.advanceTimersByTimeAsync(0);
    expect(said.reports[0]?.reports.events).toMatchObject([{ ticket: "t1", event: "released" }]);
  });

  it("hears of a running leg every five seconds, until it ends", async () => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(20_100);
    expect(said.reports.map(({ reports }) => reports.renewed)).toEqual([
      ["t1"],
      ["t1"],
      ["t1"],
      ["t1"],
    ]);
    service.report({ v: 1, ticket: "t1", event: "done", now: Date.now() });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(said.reports.at(-1)?.reports.renewed).toEqual([]);
    expect(said.reports).toHaveLength(5);
  });

  it("is told again what it could not be told", async () => {
    let isDown = true;
    const { service, said } = byObject({
      report: () =>
        isDown ? Promise.reject(new Error("reset")) : { ok: true, v: 1, memory: "m1" },
    });
    await service.reserve(reserveAsk());
    service.report({ v: 1, ticket: "t1", event: "done", now: Date.now() });
    await vi.advanceTimersByTimeAsync(500);
    isDown = false;
    await service.reserve(reserveAsk());
    expect(said.reserves[1]?.reports.events).toMatchObject([{ ticket: "t1", event: "done" }]);
  });
});

describe("a region that does not answer", () => {
  it.each<[string, () => RegionReserveReply | Promise<RegionReserveReply>]>([
    ["was lost", () => Promise.reject(new Error("reset"))],
    ["speaks another version", () => ({ ok: false, v: 1, code: "unknown_version" })],
    ["is mute", () => new Promise(() => {})],
  ])("because it %s is done without", async (_, reserve) => {
    const { service } = byObject({ reserve });
    const answer = await passing(500, service.reserve(reserveAsk()));
    expect(answer).toMatchObject({
      kind: "granted",
      grant: { engine: expect.stringMatching(/^h200/), reason: expect.stringContaining("did not") },
    });
  });

  it("as soon as usual is done without, and is told not to grant it any more", async () => {
    let tookMs = 10;
    let tickets = 0;
    const { service, said } = byObject({
      reserve: () => later(tookMs, grantOf("h200/1", `t${++tickets}`)),
    });
    for (let i = 0; i < 30; i += 1) await passing(tookMs, service.reserve(reserveAsk()));
    tookMs = 400;
    const asking = service.reserve(reserveAsk());
    const answer = await passing(100, asking);
    expect(answer).toMatchObject({ grant: { reason: expect.stringContaining("did not") } });
    await vi.advanceTimersByTimeAsync(100);
    const told = said.reports.flatMap(({ reports }) => reports.events);
    const ticket = said.reserves.at(-1)?.wanted.ticket;
    expect(told).toEqual([{ ticket, event: "withdrawn", pool: "h200", afterMs: 0 }]);
  });
});

describe("a region that has lost its memory", () => {
  it("is told which legs run, as soon as it answers", async () => {
    const answers = [grantOf("h200/0", "t1"), grantOf("h200/1", "t2")];
    let memory = "m1";
    const { service, said } = byObject({
      reserve: () => ({ ...(answers.shift() ?? grantOf("h200/1", "t3")), memory }),
      report: () => ({ ok: true, v: 1, memory }),
    });
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(200);
    service.report({ v: 1, ticket: "t1", event: "first-token", now: Date.now() });
    await vi.advanceTimersByTimeAsync(200);
    memory = "m2";
    await service.reserve(reserveAsk());
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(200);
    expect(said.reserves.map(({ reports }) => reports.running)).toEqual([[], [], []]);
    const { ticket: _, ...wanted } = said.reserves[0]?.wanted ?? {};
    const leg = { ticket: "t1", engine: "h200/0", wanted };
    const times = { ranMs: 400, firstTokenAfterMs: 200 - RTT_MS };
    const told = said.reports.map(({ reports }) => reports.running);
    expect(told.filter(({ length }) => length > 0)).toEqual([[{ ...leg, ...times }]]);
  });

  it("is told of what was granted without it", async () => {
    const answers = [undefined, grantOf("h200/1", "t2")];
    const { service, said } = byObject({
      reserve: () => answers.shift() ?? Promise.reject(new Error("reset")),
    });
    const guess = await service.reserve(reserveAsk());
    if (guess.kind !== "granted") throw new TypeError(guess.kind);
    await service.reserve(reserveAsk());
    const { ticket, engine } = guess.grant;
    expect(said.reserves[1]?.reports.running).toMatchObject([{ ticket, engine, ranMs: 0 }]);
  });
});

describe("a place in a region's queue", () => {
  it("is claimed until the leg may go", async () => {
    const { service } = byObject({
      reserve: () => placeOf("q1"),
      claim: () => grantOf("h200/0", "t9"),
    });
    const now = Date.now();
    const queued = await service.reserve(reserveAsk());
    expect(queued).toEqual({ kind: "queued", ticket: "q1", startAt: now + 800, askAt: now + 500 });
    const granted = await service.claim({ v: 1, pool: "h200", ticket: "q1" });
    expect(granted).toMatchObject({ kind: "granted", grant: { ticket: "t9" } });
  });

  it("is taken anew when the region has lost it", async () => {
    const answers = [placeOf("q1"), placeOf("q2")];
    const { service, said } = byObject({
      reserve: () => answers.shift() ?? grantOf("h200/0"),
      claim: () => lost,
    });
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(700);
    const again = await service.claim({ v: 1, pool: "h200", ticket: "q1" });
    expect(again).toMatchObject({ kind: "queued", ticket: "q2" });
    const [first, second] = said.reserves.map(({ wanted }) => wanted);
    expect({ ...second, ticket: first?.ticket }).toEqual(first);
    expect(second?.ticket, "the first may come to something yet").not.toBe(first?.ticket);
  });

  it("is given up, and whatever was granted for it, when the answer to a claim was lost", async () => {
    const answers = [placeOf("q1"), grantOf("h200/0")];
    const { service, said } = byObject({
      reserve: () => answers.shift() ?? grantOf("h200/0"),
      claim: () => new Promise(() => {}),
    });
    await service.reserve(reserveAsk());
    const claimed = service.claim({ v: 1, pool: "h200", ticket: "q1" });
    await vi.advanceTimersByTimeAsync(6000);
    expect(await claimed).toMatchObject({ kind: "granted" });
    const gone = [{ ticket: "q1", event: "withdrawn", pool: "h200", afterMs: 0 }];
    expect(said.reserves[1]?.reports.events, "before it asks anew").toEqual(gone);
  });

  it("is left at once by who leaves, whatever its claim still comes to", async () => {
    const { service, said } = byObject({
      reserve: () => placeOf("q1"),
      claim: () => later(3000, grantOf("h200/0", "t9")),
    });
    await service.reserve(reserveAsk());
    const leaver = new AbortController();
    const place = { v: 1, pool: "h200", ticket: "q1" } as const;
    const claimed = service.claim(place, leaver.signal);
    leaver.abort();
    expect(await claimed).toMatchObject({ kind: "queued", ticket: "q1" });
    service.withdraw(place);
    await vi.advanceTimersByTimeAsync(0);
    expect(said.reports[0]?.reports.events).toMatchObject([{ ticket: "q1", event: "withdrawn" }]);
  });
});

describe("what an edge plans with", () => {
  const seen = {
    engine: "h200/0",
    queueMs: 900,
    batch: 7,
    batchTokens: 70_000,
    kvFreeTokens: 1000,
    prefillFactor: 1.5,
    decodeFactor: 1.2,
    healthy: false,
  };

  it("is what the region last told, its queue as much shorter as it is old", async () => {
    const { service, views } = byObject({
      reserve: () => ({ ...grantOf("h200/1"), snapshot: { engines: [seen] } }),
    });
    const { chain, linkTokens } = reserveAsk();
    const look = () => views({ pool: "h200", chain, linkTokens, held: {}, now: Date.now() });
    expect(look(), "nothing is known before").toMatchObject([{ queueMs: 0, batch: 0 }, {}]);
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(400);
    const [told, own] = look();
    expect(told).toMatchObject({ ...seen, queueMs: 500 });
    expect(own).toMatchObject({ batch: 1, healthy: true });
    expect(own?.heldTokens, "what was sent there from here").toBe(10_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look()[0], "what is long ago is not known").toMatchObject({ batch: 0, healthy: true });
  });

  it("believes a session that another edge served, whatever else begins as it does", async () => {
    const { service, views } = byObject({});
    const { chain, linkTokens } = reserveAsk();
    await service.reserve(
      reserveAsk({ chain: chain.slice(0, 16), linkTokens: linkTokens.slice(0, 2) }),
    );
    const ask = { pool: "h200", chain, linkTokens, now: Date.now() };
    const heldBy = (held: Record<string, number>) =>
      views({ ...ask, held }).map(({ engine, heldTokens }) => [engine, heldTokens]);
    expect(heldBy({ "h200/1": 9000 })).toEqual([
      ["h200/0", 0],
      ["h200/1", 9000],
    ]);
    expect(heldBy({})).toEqual([
      ["h200/0", 0],
      ["h200/1", 2000],
    ]);
  });

  it("tells the region how old it is", async () => {
    const { service, said } = byObject({
      reserve: () => ({ ...grantOf("h200/1"), snapshot: { engines: [] } }),
    });
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(700);
    await service.reserve(reserveAsk());
    expect(said.reserves.map(({ snapshotAgeMs }) => snapshotAgeMs)).toEqual([Infinity, 700]);
  });
});

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms));
}

/** What comes of some work in the next `ms`. */
async function passing<T>(ms: number, work: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(ms);
  return work;
}
