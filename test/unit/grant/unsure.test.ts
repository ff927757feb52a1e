import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../../src/core/grant/enter.ts";
import { restoreLease, silentGrants } from "../../../src/core/grant/lease.ts";
import { relearn } from "../../../src/core/grant/relearn.ts";
import { done, failed, firstToken, lapse, released } from "../../../src/core/grant/report.ts";
import { beginUnsure } from "../../../src/core/grant/unsure.ts";
import { engineViews } from "../../../src/core/grant/views.ts";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { booked, chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("a ledger that has lost its memory", () => {
  it("reckons with half of every engine's slots for one lease", () => {
    const reasons = (nowMs: number) => {
      const state = region({ engineCount: 1, maxBatch: 4 });
      beginUnsure(state, 0);
      return [0, 1, 2].map(() => granted(state, short(), nowMs).reason.includes("all full"));
    };
    expect(reasons(LEASE_MS - 1)).toEqual([false, false, true]);
    expect(reasons(LEASE_MS)).toEqual([false, false, false]);
  });

  it("reckons with half of every engine's KV cache, and forgets nothing that it holds", () => {
    const state = region({ engineCount: 1, kvTokens: 40_000 });
    beginUnsure(state, 0);
    granted(state, grantAsk());
    const { kvTokens } = booked(state);
    expect(free(state, 0)).toBe(20_000 - kvTokens);
    expect(free(state, LEASE_MS)).toBe(40_000 - kvTokens);
    expect(granted(state, grantAsk()).heldTokens).toBeGreaterThan(9000);
    const { startAt } = granted(state, grantAsk(chainOf([70], 9000)), 0);
    expect(startAt, "it waits for room").toBeGreaterThan(500);
  });

  it("takes a single failure for an answer to whether an engine is well, and a single success", () => {
    const state = region({ engineCount: 1 });
    beginUnsure(state, 0);
    failed(state, granted(state, short()).ticket, 10);
    expect(isHealthy(state, 20)).toBe(false);
    const other = region({ engineCount: 1 });
    beginUnsure(other, 0);
    firstToken(other, granted(other, short()).ticket, 10);
    failed(other, granted(other, short(), 20).ticket, 30);
    expect(isHealthy(other, 40)).toBe(true);
  });
});

describe("a lease that is kept", () => {
  it("is of a leg of which nothing was heard for ten seconds, running or waiting for its first token", () => {
    const state = region();
    const { ticket } = granted(state, grantAsk(), 0);
    expect(silentGrants(state, 9999)).toEqual([]);
    expect(silentGrants(state, 10_000)).toMatchObject([{ live: { ticket } }]);
    firstToken(state, ticket, 10_000);
    expect(silentGrants(state, 19_999)).toEqual([]);
    expect(silentGrants(state, 20_000)).toMatchObject([{ live: { ticket } }]);
    done(state, ticket, 20_000);
    expect(silentGrants(state, 90_000)).toEqual([]);
  });

  it.each(["both", "prefill", "decode"] as const)("books a %s leg as it was", (leg) => {
    const state = region({ engineCount: 1 });
    const request = grantAsk({ leg, handedTokens: leg === "decode" ? 10_000 : 0 });
    const { ticket } = granted(state, request, 0);
    const [lease] = silentGrants(state, 60_000);
    if (lease === undefined) throw new TypeError("no lease");
    const restored = region({ engineCount: 1 });
    expect(restoreLease(restored, lease, 100)).toBe(true);
    expect(booked(restored)).toEqual(booked(state));
    released(restored, ticket, 200);
    expect(booked(restored)).toMatchObject({ batch: 0, kvTokens: 0, unindexedTokens: 0, live: 0 });
  });

  it("lapses in one lease unless it is renewed", () => {
    const state = region();
    granted(state, grantAsk(), 0);
    const [lease] = silentGrants(state, 60_000);
    if (lease === undefined) throw new TypeError("no lease");
    const restored = region();
    restoreLease(restored, lease, 50_000);
    expect(restoreLease(restored, lease, 50_000), "once").toBe(false);
    expect(lapse(restored, 50_000 + LEASE_MS)).toBe(0);
    expect(lapse(restored, 50_001 + LEASE_MS)).toBe(1);
  });

  it("is nothing where its engine is gone", () => {
    const state = region();
    granted(state, grantAsk(), 0);
    const [lease] = silentGrants(state, 60_000);
    if (lease === undefined) throw new TypeError("no lease");
    expect(restoreLease(region(), { ...lease, engine: "gone/0" }, 0)).toBe(false);
  });
});

describe("what a session says that it holds", () => {
  const unknown = { fromMs: 1000, toMs: 2000 };
  const shared = [1, 2];
  const own = [1, 2, 30, 31, 32];
  const believed = (at: number) => {
    const state = region();
    // Another conversation of the same preamble was seen since.
    granted(state, grantAsk({ ...chainOf([...shared, 40], 1000), held: {} }), 2100);
    const engine = state.pools.get("h200")?.engines.find(({ batch }) => batch > 0)?.id ?? "";
    const request = grantAsk({ ...chainOf([...own, 33], 1000), held: { [engine]: 5100 } });
    relearn(state, request, { [engine]: at }, unknown);
    const { linkTokens, chain, held } = request;
    const views = engineViews(state, "h200", chain, linkTokens, held, 2200);
    return views.find((view) => view.engine === engine)?.heldTokens;
  };

  it("is believed where it learned that while the ledger was not there", () => {
    expect(believed(1000)).toBe(5100);
    expect(believed(1999)).toBe(5100);
  });

  it("is not where the ledger was there and knows better", () => {
    expect(believed(999)).toBe(2000);
    expect(believed(2000)).toBe(2000);
  });
});

/** A prompt that nothing else continues. */
function short() {
  asks += 1;
  return grantAsk({ ...chainOf([1000 + asks], 50), ask: ask({ promptTokens: 50 }) });
}
let asks = 0;

function viewOf(state: RegionState, nowMs: number) {
  const { chain, linkTokens } = chainOf([]);
  const [view] = engineViews(state, "h200", chain, linkTokens, {}, nowMs);
  if (view === undefined) throw new TypeError("no engine");
  return view;
}

function free(state: RegionState, nowMs: number): number {
  return viewOf(state, nowMs).kvFreeTokens;
}

function isHealthy(state: RegionState, nowMs: number): boolean {
  return viewOf(state, nowMs).healthy;
}
