import { describe, expect, it } from "vitest";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { type GrantAsk, grant, type Granted } from "../../../src/core/grant/grant.ts";
import type { PullCost } from "../../../src/core/grant/pull.ts";
import { createRegionState, type RegionState } from "../../../src/core/grant/region-state.ts";
import { claim, reserve } from "../../../src/core/grant/reserve.ts";
import { done, firstToken } from "../../../src/core/grant/report.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask, fleet, pool } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk } from "./grant-fixtures.ts";

const FAST: PullCost = { fixedMs: 2, msPerToken: 0.001 };
const SLOW: PullCost = { fixedMs: 2, msPerToken: 10 };

/** A pool of engines that can pull from each other, at a cost. */
function pulling(cost: PullCost | undefined, engineCount = 2): RegionState {
  const planned = fleet({ poolList: [pool("h200", { engineCount })] });
  const pulls = cost && new Map([["h200", [{ from: "h200", cost }]]]);
  return createRegionState(planned.pools, speedsOf(planned), pulls);
}

/** A prompt of 60,000 tokens whose first 59,000 are shared by all of them. */
function sibling(n: number, avoid: readonly string[] = []): GrantAsk {
  const links = [...Array.from({ length: 59 }, (_, at) => at + 1), 1000 + n];
  return grantAsk({
    requestId: `s${n}`,
    ...chainOf(links, 1000),
    ask: ask({ promptTokens: 60_000 }),
    avoid,
  });
}

/** Lets an engine compute the shared prefix; returns who, and when it was done. */
function warm(state: RegionState): { readonly first: Granted; readonly nowMs: number } {
  const first = granted(state, sibling(0));
  const nowMs = first.prefillMs + 1000;
  firstToken(state, first.ticket, first.prefillMs);
  done(state, first.ticket, nowMs);
  return { first, nowMs };
}

function other(state: RegionState, { engine }: Granted): string {
  const found = state.pools.get("h200")?.engines.find(({ id }) => id !== engine);
  if (found === undefined) throw new TypeError("there is one engine only");
  return found.id;
}

describe("pulling a prefix from another engine", () => {
  it("is part of a grant where it takes less time than computing the prefix again", () => {
    const state = pulling(FAST);
    const { first, nowMs } = warm(state);
    const second = granted(state, sibling(1, [first.engine]), nowMs);
    expect(second.pull).toEqual({
      from: first.engine,
      tokens: 59_000,
      movedTokens: 59_000,
      ms: 61,
    });
    expect(second.heldTokens).toBe(0);
    expect(second.prefillMs).toBeLessThan(first.prefillMs / 10);
    expect(second.reason).toContain(`pulls 59000 tokens from ${first.engine}`);
  });

  it("is not done over a slow link, nor where engines cannot", () => {
    for (const cost of [SLOW, undefined]) {
      const state = pulling(cost);
      const { first, nowMs } = warm(state);
      const second = granted(state, sibling(1, [first.engine]), nowMs);
      expect(second.pull).toBeUndefined();
      expect(second.prefillMs).toBeGreaterThan(0.99 * first.prefillMs);
    }
  });

  it("waits until the prefix has been computed where it comes from", () => {
    const state = pulling(FAST);
    const first = granted(state, sibling(0));
    const early = granted(state, sibling(1, [first.engine]), first.prefillMs / 2);
    expect(early.pull).toBeUndefined();
  });

  it("spares the port of an engine that already sends to others", () => {
    const state = pulling({ fixedMs: 0, msPerToken: 0.01 }, 3);
    const { first, nowMs } = warm(state);
    const second = granted(state, sibling(1, [first.engine]), nowMs);
    const third = granted(state, sibling(2, [first.engine, second.engine]), nowMs);
    // Half a second each: the third has to wait for what the second is sent.
    const startsIn = (one: Granted) => liveOf(state, one).prefillEndsAt - one.prefillMs - nowMs;
    expect(startsIn(second)).toBeCloseTo(590, 6);
    expect(startsIn(third)).toBeCloseTo(1180, 6);
  });

  it("is not passed by a longer prompt sent while it is on its way", () => {
    const state = pulling(FAST);
    const turn = (n: number) => grantAsk(chainOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 100 + n], 1000));
    const first = granted(state, turn(0));
    firstToken(state, first.ticket, first.prefillMs);
    done(state, first.ticket, 10_000);
    const second = granted(state, { ...turn(1), avoid: [first.engine] }, 10_000);
    expect(second.pull?.tokens).toBe(9000);
    const long = { ...cold(7), avoid: [first.engine] };
    const standing = { tenant: "a", priority: 0, deadlineAt: Infinity };
    const queued = reserve(state, long, standing, 10_000, seededRandom(1));
    if (queued.kind !== "queued") throw new TypeError(`not queued: ${queued.kind}`);
    const asked = (atMs: number) => claim(state, "h200", queued.ticket, atMs, seededRandom(1)).kind;
    expect(asked(10_010)).toBe("queued");
    expect(asked(10_012)).toBe("granted");
  });

  it("lets a request go to an idle engine rather than wait where its prefix is", () => {
    const state = pulling(FAST);
    const { first, nowMs } = warm(state);
    const idle = other(state, first);
    granted(state, { ...cold(7), avoid: [idle] }, nowMs);
    const answer = grant(state, sibling(1), nowMs, seededRandom(1));
    expect(answer).toMatchObject({
      grant: { engine: idle, pull: { from: first.engine, tokens: 59_000 } },
    });
  });

  it("leaves a copy behind that the next can be sent to", () => {
    const state = pulling(FAST);
    const { first, nowMs } = warm(state);
    const second = granted(state, sibling(1, [first.engine]), nowMs);
    const { chain, linkTokens } = sibling(1);
    const engine = state.pools.get("h200")?.engines.find(({ id }) => id === second.engine);
    expect(engine?.index.heldTokens(linkKeys(chain), linkTokens)).toBe(60_000);
  });
});

function cold(n: number): GrantAsk {
  return grantAsk({
    requestId: `c${n}`,
    ...chainOf([n * 1000 + 1], 100_000),
    ask: ask({ promptTokens: 100_000 }),
  });
}

function liveOf(state: RegionState, { ticket }: Granted) {
  const live = state.tickets.get(ticket)?.grants.get(ticket);
  if (live === undefined) throw new TypeError("the grant has ended");
  return live;
}
