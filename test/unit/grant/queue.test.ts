import { describe, expect, it } from "vitest";
import type { GrantAsk } from "../../../src/core/grant/grant.ts";
import { DISPATCH_AHEAD_MS } from "../../../src/core/grant/may-go.ts";
import type { Standing } from "../../../src/core/grant/queue.ts";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { released } from "../../../src/core/grant/report.ts";
import { claim, letGo, reserve, withdraw } from "../../../src/core/grant/reserve.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { booked, chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

const random = seededRandom(5);
const EMPTY = { batch: 0, kvTokens: 0, live: 0 };

/** A cold prompt that shares nothing with any other. */
function cold(n: number, promptTokens = 10_000): GrantAsk {
  const links = chainOf([n * 1000 + 1], promptTokens);
  return grantAsk({ requestId: `r${n}`, ...links, ask: ask({ promptTokens }) });
}

function arrive(
  state: RegionState,
  request: GrantAsk,
  nowMs = 0,
  standing: Partial<Standing> = {},
) {
  const whole = { tenant: "a", priority: 0, deadlineAt: Infinity, ...standing };
  return reserve(state, request, whole, nowMs, random);
}

/** A place in the queue; fails the test when there was no wait. */
function queued(
  state: RegionState,
  request: GrantAsk,
  nowMs = 0,
  standing: Partial<Standing> = {},
) {
  const answer = arrive(state, request, nowMs, standing);
  if (answer.kind !== "queued") throw new TypeError(`not queued: ${answer.kind}`);
  return answer;
}

/** Names of the waiting in the order in which they are let go, each fetched as soon as it may be. */
function order(state: RegionState, tickets: Readonly<Record<string, string>>): string[] {
  const left = new Map(Object.entries(tickets));
  const gone: string[] = [];
  for (let nowMs = 1; left.size > 0 && nowMs < 600_000; nowMs += 50) {
    for (const [name, ticket] of left) {
      if (claim(state, "h200", ticket, nowMs, random).kind !== "granted") continue;
      gone.push(name);
      left.delete(name);
    }
  }
  return gone;
}

describe("the queue of a pool", () => {
  it("lets a leg go at once while an engine is about to run dry", () => {
    const state = region({ engineCount: 2 });
    expect(arrive(state, cold(1)).kind).toBe("granted");
    expect(arrive(state, cold(2)).kind).toBe("granted");
  });

  it("lets the next go when the backlog is modelled to be nearly done, without any report", () => {
    const state = region({ engineCount: 1 });
    const { prefillMs } = granted(state, cold(1));
    const { ticket, startAt } = queued(state, cold(2));
    expect(startAt).toBeCloseTo(prefillMs - DISPATCH_AHEAD_MS, 6);
    expect(claim(state, "h200", ticket, startAt - 5, random).kind).toBe("queued");
    expect(claim(state, "h200", ticket, startAt + 1, random)).toMatchObject({
      kind: "granted",
      grant: { engine: "h200/0", reason: expect.stringContaining("in the queue") },
    });
  });

  it("lets short prompts pass long ones, but not for ever", () => {
    const state = region({ engineCount: 1 });
    granted(state, cold(1));
    const long = queued(state, cold(2, 60_000)).ticket;
    const short = queued(state, cold(3, 2000)).ticket;
    expect(order(state, { long, short })).toEqual(["short", "long"]);

    const busy = region({ engineCount: 1 });
    granted(busy, cold(1, 100_000));
    const old = queued(busy, cold(2, 6000), 0).ticket;
    const fresh = queued(busy, cold(3, 5500), 5900).ticket;
    expect(order(busy, { fresh, old })).toEqual(["old", "fresh"]);
  });

  it("puts priority before length, and a pressing deadline before both within its class", () => {
    const state = region({ engineCount: 1 });
    granted(state, cold(1, 60_000));
    const short = queued(state, cold(2, 2000)).ticket;
    const pressing = queued(state, cold(3, 4000), 0, { deadlineAt: 60_000 }).ticket;
    const first = queued(state, cold(4, 8000), 0, { priority: 1 }).ticket;
    expect(order(state, { short, pressing, first })[0]).toBe("first");
  });

  it("serves tenants in turn, however many one of them sends", () => {
    const state = region({ engineCount: 1 });
    granted(state, cold(1));
    const greedy = [2, 3, 4].map((n) => queued(state, cold(n)).ticket);
    const modest = queued(state, cold(5, 12_000), 0, { tenant: "b" }).ticket;
    const gone = order(state, {
      g1: greedy[0] ?? "",
      g2: greedy[1] ?? "",
      g3: greedy[2] ?? "",
      modest,
    });
    expect(gone.indexOf("modest")).toBeLessThanOrEqual(1);
  });

  it("keeps a leg waiting for its cache when recomputing elsewhere would take longer", () => {
    const state = region({ engineCount: 2 });
    const [mine, other] = ["h200/0", "h200/1"];
    granted(state, { ...cold(1, 20_000), avoid: [other] });
    const warm = { ...cold(2, 60_000), held: { [mine]: 59_000 } };
    const { ticket, startAt } = queued(state, warm);
    expect(claim(state, "h200", ticket, startAt + 1, random)).toMatchObject({
      grant: { engine: mine },
    });
  });

  it("forgets who does not come back, granted or not, and frees what it held", () => {
    const state = region({ engineCount: 1 });
    const first = granted(state, cold(1));
    released(state, first.ticket, 0);
    granted(state, cold(2));
    const lost = queued(state, cold(3)).ticket;
    const { ticket } = queued(state, cold(4));
    // Whoever asks lets both go in their order; the first of them is never fetched.
    for (let nowMs = 0; nowMs <= 12_000; nowMs += 500) claim(state, "h200", ticket, nowMs, random);
    expect(claim(state, "h200", lost, 12_000, random).kind).toBe("refused");
    expect(booked(state).live).toBe(2);
  });

  it("hands all that may go to one who holds everybody's claims", () => {
    const state = region({ engineCount: 2 });
    granted(state, cold(1));
    granted(state, cold(2));
    const tickets = [3, 4, 5].map((n) => queued(state, cold(n)).ticket);
    expect(letGo(state, "h200", 1, random)).toEqual([]);
    const gone = letGo(state, "h200", 5000, random);
    expect(gone).toHaveLength(2);
    expect(new Set(gone.map(({ granted: { engine } }) => engine)).size).toBe(2);
    expect(tickets).toEqual(expect.arrayContaining(gone.map(({ ticket }) => ticket)));
    expect(state.pools.get("h200")?.queue).toHaveLength(1);
  });

  it("takes in whom it has no place for within a minute, where the caller is patient", () => {
    const state = region({ engineCount: 1 });
    for (const n of [1, 2, 3, 4, 7, 8]) granted(state, cold(n, 100_000));
    expect(arrive(state, cold(5)).kind).toBe("refused");
    expect(arrive(state, cold(6), 0, { longestWaitMs: Infinity }).kind).toBe("queued");
  });

  it("gives back what a caller that left had been granted", () => {
    const state = region({ engineCount: 1 });
    const { ticket: running } = granted(state, cold(1));
    const { ticket } = queued(state, cold(2));
    withdraw(state, "h200", ticket, 10);
    released(state, running, 20);
    expect(booked(state)).toMatchObject(EMPTY);
    expect(claim(state, "h200", ticket, 30, random).kind).toBe("refused");
  });

  it("refuses what could not begin before its deadline, and says when it could", () => {
    const state = region({ engineCount: 1 });
    const { prefillMs } = granted(state, cold(1, 100_000));
    const answer = arrive(state, cold(2), 0, { deadlineAt: 2000 });
    expect(answer).toMatchObject({ kind: "refused" });
    if (answer.kind !== "refused") return;
    expect(answer.retryAfterMs).toBeGreaterThan(prefillMs - DISPATCH_AHEAD_MS - 2000);
    expect(state.pools.get("h200")?.queue).toHaveLength(0);
  });
});
