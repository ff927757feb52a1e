import { describe, expect, it } from "vitest";
import { grant } from "../../../src/core/grant/grant.ts";
import type { ToldLoad } from "../../../src/core/grant/foreign.ts";
import { done, firstToken, released, told } from "../../../src/core/grant/report.ts";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { engineViews } from "../../../src/core/grant/views.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("an engine that has more to do than it was granted here", () => {
  it("is given nothing while another one is free", () => {
    const state = region();
    const { engine } = hear(state, { running: 1, waiting: 6 }, 0);
    const asked = [1, 2, 3].map((n) => granted(state, grantAsk(chainOf([n], 10_000)), 10).engine);
    expect(asked).not.toContain(engine);
    expect(viewOf(state, engine, 10).queueMs).toBeGreaterThan(500);
  });

  it("tells those that wait by their tokens where it knows them", () => {
    const state = region({ engineCount: 1 });
    const { engine } = hear(state, { running: 1, waiting: 2, waitingTokens: 30_000 }, 0);
    const speed = state.pools.get("h200")?.speed;
    // Of three legs one is of this ledger.
    const others = (2 / 3) * (speed?.prefillMs(30_000, 0) ?? 0);
    expect(viewOf(state, engine, 0).queueMs - ownBacklogMs(state)).toBeCloseTo(others, 5);
  });

  it("has as much less room in its KV cache", () => {
    const state = region({ engineCount: 1 });
    const capacity = state.pools.get("h200")?.speed.kvTokens ?? 0;
    const { engine } = hear(state, { running: 3, kvUse: 0.75 }, 0);
    expect(viewOf(state, engine, 0).kvFreeTokens).toBeCloseTo(0.25 * capacity, 5);
  });

  it("need not tell all: its legs that have begun do not wait, and what it leaves out is as it was", () => {
    const state = region({ engineCount: 1 });
    const begun = [1, 2, 3].map((n) => granted(state, grantAsk(chainOf([n], 10_000)), 0).ticket);
    for (const ticket of begun) firstToken(state, ticket, 100);
    const [first = ""] = begun;
    told(state, first, { load: { running: 8, waiting: 0 }, atMs: 200 }, 200);
    told(state, first, { load: { waiting: 2 }, atMs: 210 }, 210);
    const view = viewOf(state, "h200/0", 210);
    expect(view.batch).toBeCloseTo(8, 1);
    expect(view.queueMs).toBeGreaterThan(500);
  });

  it("says when a leg is expected to begin, and why there", () => {
    const state = region({ engineCount: 1 });
    hear(state, { running: 0, waiting: 5 }, 0);
    const answer = grant(state, grantAsk(chainOf([9], 10_000)), 10, seededRandom(1));
    expect(answer).toMatchObject({ grant: { reason: expect.stringContaining("of others ahead") } });
    expect(answer.kind === "granted" && answer.grant.startAt).toBeGreaterThan(2000);
  });

  it("is free again when nobody has told of it for long", () => {
    const state = region({ engineCount: 1 });
    const { engine, ticket } = hear(state, { running: 2, waiting: 8 }, 0);
    released(state, ticket, 0);
    const at = (now: number) => viewOf(state, engine, now).queueMs;
    expect(at(3000)).toBeCloseTo(at(0) / 2, 5);
    expect(at(30_000)).toBe(0);
  });
});

describe("what the ledger holds itself", () => {
  it("is not counted a second time", () => {
    const state = region({ engineCount: 1 });
    const tickets = [1, 2, 3].map((n) => granted(state, grantAsk(chainOf([n], 10_000)), 0).ticket);
    const before = viewOf(state, "h200/0", 100);
    told(state, tickets[0] ?? "", { load: { running: 1, waiting: 2, kvUse: 1e-3 }, atMs: 50 }, 100);
    expect(viewOf(state, "h200/0", 100)).toEqual(before);
  });

  it("is not when its legs have ended between the gauge and its report", () => {
    const state = region({ engineCount: 1 });
    const [first = "", second = ""] = [1, 2].map(
      (n) => granted(state, grantAsk(chainOf([n], 10_000)), 0).ticket,
    );
    firstToken(state, second, 900);
    done(state, second, 950);
    told(state, first, { load: { running: 2 }, atMs: 940 }, 1000);
    expect(viewOf(state, "h200/0", 1000).batch).toBe(1);
  });

  it("is not when the engine goes on with a leg for a moment", () => {
    const state = region({ engineCount: 1 });
    const left = granted(state, grantAsk(chainOf([1], 10_000)), 0).ticket;
    const stays = granted(state, grantAsk(chainOf([2], 10_000)), 0).ticket;
    released(state, left, 500);
    told(state, stays, { load: { running: 2 }, atMs: 1200 }, 1250);
    expect(viewOf(state, "h200/0", 1250).batch).toBe(1);
  });

  it("is all there is where a gauge is older than a few seconds, or than the last", () => {
    const state = region({ engineCount: 1 });
    const { ticket } = granted(state, grantAsk(), 0);
    told(state, ticket, { load: { running: 9 }, atMs: 100 }, 4000);
    expect(viewOf(state, "h200/0", 4000).batch).toBe(1);
    told(state, ticket, { load: { running: 1 }, atMs: 3900 }, 4000);
    told(state, ticket, { load: { running: 9 }, atMs: 3800 }, 4000);
    expect(viewOf(state, "h200/0", 4000).batch).toBe(1);
  });

  it("is all that counts of a fleet that chooses its engines itself", () => {
    const state = region({ engineCount: 1, routed: "itself" });
    hear(state, { running: 9, waiting: 9 }, 0);
    expect(viewOf(state, "h200/0", 0).batch).toBe(1);
  });
});

/** One leg whose engine tells that load with its answer. */
function hear(state: RegionState, load: ToldLoad, atMs: number) {
  const one = granted(state, grantAsk(chainOf([77], 10_000)), atMs);
  told(state, one.ticket, { load, atMs }, atMs);
  return one;
}

function viewOf(state: RegionState, engine: string, nowMs: number) {
  const none = chainOf([]);
  const views = engineViews(state, "h200", none.chain, none.linkTokens, {}, nowMs);
  const view = views.find((one) => one.engine === engine);
  if (view === undefined) throw new TypeError("no such engine");
  return view;
}

function ownBacklogMs(state: RegionState): number {
  return state.pools.get("h200")?.engines[0]?.backlogUntil ?? 0;
}
