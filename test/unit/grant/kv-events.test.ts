import { describe, expect, it } from "vitest";
import type { KvTold } from "../../../src/core/grant/kv-events.ts";
import { leaseProbes, probed } from "../../../src/core/grant/probes.ts";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { done, firstToken, told } from "../../../src/core/grant/report.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("an engine that tells its cache events", () => {
  it("is believed to hold less, the oldest first, when it evicted more than the model did", () => {
    const { state, drain, held, capacity } = filled();
    const [before, newest] = [held(), heldOf(state, CHAINS - 1)];
    drain({ removedBlocks: 0 });
    drain({ removedBlocks: (0.5 * capacity) / BLOCK });
    // What it evicted was as likely of others as they fill its cache.
    expect(held() / before).toBeCloseTo(0.5, 1);
    expect(heldOf(state, 0)).toBe(0);
    expect(heldOf(state, CHAINS - 1)).toBe(newest);
  });

  it("is believed to hold what the model says when it evicted no more than that", () => {
    const { state, drain, held } = filled();
    drain({ removedBlocks: 0 });
    for (let n = 0; n < 8; n++) serve(state, 500 + n, 90_000 + n * 1000);
    const engine = engineOf(state);
    const evicted = engine.index.evictedTokens - engine.kv.evictedThen;
    expect(evicted).toBeGreaterThan(BLOCK);
    const before = held();
    drain({ removedBlocks: evicted / BLOCK });
    expect(held()).toBe(before);
  });

  it("takes nothing from its belief with what it tells first, which is of before", () => {
    const { state, drain, held } = filled();
    const before = held();
    drain({ removedBlocks: 1e6, gap: true });
    expect(held()).toBe(before);
    expect(engineOf(state).residency.trust).toBe(1);
  });

  it("holds nothing after it restarted", () => {
    const { drain, held } = filled();
    drain({});
    drain({ restarted: true, gap: true });
    expect(held()).toBe(0);
  });

  it("is doubted where events are missing", () => {
    const { state, drain } = filled();
    drain({});
    drain({ gap: true });
    expect(engineOf(state).residency.trust).toBeLessThan(0.9);
  });

  it("is asked every five seconds from where it was read, whatever else it tells", () => {
    const { state, drain } = filled();
    drain({ cursors: [{ rank: 0, lastId: 7 }] });
    drain({ cursors: [{ rank: 1, lastId: 3 }] });
    const { ticket } = granted(state, grantAsk(), 99_000);
    told(state, ticket, { load: { running: 1 }, atMs: 99_000 }, 99_000);
    expect(leaseProbes(state, 1e6)).toMatchObject([
      {
        kvCursors: [
          { rank: 0, lastId: 7 },
          { rank: 1, lastId: 3 },
        ],
      },
    ]);
  });
});

const BLOCK = 32;
const LINKS = 10;
const CHAINS = 40;

/** A ledger whose one engine's cache is nearly full of conversations, and how its events are told. */
function filled() {
  const state = region({ engineCount: 1 });
  for (let n = 0; n < CHAINS; n++) serve(state, n, n * 2000);
  let now = 100_000;
  const drain = (members: Partial<KvTold>) => {
    now += 10_000;
    const [probe] = leaseProbes(state, now);
    if (probe === undefined) throw new TypeError("nothing to probe");
    const cursors = [{ rank: 0, lastId: now }];
    const nothing = { removedBlocks: 0, blockTokens: BLOCK, gap: false, restarted: false };
    probed(state, probe, { afterMs: 1, kv: { cursors, ...nothing, ...members } }, now + 1);
  };
  const engine = engineOf(state);
  return { state, drain, held: () => engine.index.tokens, capacity: engine.pool.speed.kvTokens };
}

function serve(state: RegionState, conversation: number, nowMs: number): void {
  const { ticket } = granted(state, grantAsk(chainFor(state, conversation)), nowMs);
  firstToken(state, ticket, nowMs + 500);
  done(state, ticket, nowMs + 600, 10);
}

function heldOf(state: RegionState, conversation: number): number {
  const { chain, linkTokens } = chainFor(state, conversation);
  return granted(state, grantAsk({ chain, linkTokens, leg: "prefill" }), 200_000).heldTokens;
}

/** Of all chains together the cache is nine tenths full. */
function chainFor(state: RegionState, conversation: number) {
  const links = Array.from({ length: LINKS }, (_, link) => (conversation + 1) * 1000 + link);
  const each = Math.floor((0.9 * engineOf(state).pool.speed.kvTokens) / CHAINS / LINKS);
  return chainOf(links, each);
}

function engineOf(state: RegionState) {
  const engine = state.pools.get("h200")?.engines[0];
  if (engine === undefined) throw new TypeError("no such engine");
  return engine;
}
