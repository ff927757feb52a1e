import { describe, expect, it } from "vitest";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { done, firstToken } from "../../../src/core/grant/report.ts";
import { claim, reserve, withdraw } from "../../../src/core/grant/reserve.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

const random = seededRandom(5);
const STANDING = { tenant: "a", priority: 0, deadlineAt: Infinity, longestWaitMs: Infinity };
const ENDED_MS = 100_000;

/** A prompt of three fifths of an engine's KV cache. */
function large(state: RegionState, n: number) {
  const promptTokens = Math.round(0.6 * (state.pools.get("h200")?.speed.kvTokens ?? 0));
  const links = chainOf([n * 1000 + 1], promptTokens);
  return grantAsk({ requestId: `r${n}`, ...links, ask: ask({ promptTokens }) });
}

/** One engine whose cache is mostly a conversation's that was just answered. */
function answered(): RegionState {
  const state = region({ engineCount: 1, kvTokens: 300_000 });
  const { ticket } = granted(state, large(state, 1));
  firstToken(state, ticket, ENDED_MS - 1000);
  done(state, ticket, ENDED_MS);
  return state;
}

/** The same, and a cold leg has just pushed that conversation out. */
function crowded(): RegionState {
  const state = answered();
  const { ticket } = granted(state, large(state, 2), ENDED_MS + 1);
  firstToken(state, ticket, ENDED_MS + 2);
  done(state, ticket, ENDED_MS + 3);
  return state;
}

/** Two legs that come cold; the tickets of their places in the queue. */
function waiting(state: RegionState, nowMs: number, standing = STANDING): string[] {
  // One takes what the engine computes next, so that the others have to wait for anything.
  return [3, 4, 5].flatMap((n) => {
    const answer = reserve(state, large(state, n), standing, nowMs, random);
    return answer.kind === "queued" ? [answer.ticket] : [];
  });
}

describe("a leg that comes cold", () => {
  it("goes at once while nobody else waits, whoever it pushes out", () => {
    const state = answered();
    const answer = reserve(state, large(state, 2), STANDING, ENDED_MS + 1, random);
    expect(answer.kind).toBe("granted");
  });

  it("waits with others until its engine has made up for those pushed out before", () => {
    const state = crowded();
    const until = peaceUntil(state);
    const tickets = waiting(state, ENDED_MS + 10);
    expect(until).toBeGreaterThan(backlogUntil(state) + 60_000);
    const { atMs, reason } = goes(state, tickets, ENDED_MS + 10, comesBack(state));
    expect(atMs).toBeGreaterThanOrEqual(until);
    expect(reason).toContain("for room in its cache");
  });

  it("goes sooner where nobody comes back any more", () => {
    const late = ENDED_MS + 3_600_000;
    const state = crowded();
    const tickets = waiting(state, late);
    expect(goes(state, tickets, late).atMs).toBeLessThanOrEqual(backlogUntil(state));
  });

  it("does not wait for room where there is a deadline that it would miss", () => {
    const state = crowded();
    const nowMs = ENDED_MS + 10;
    const until = peaceUntil(state);
    const tickets = waiting(state, nowMs, { ...STANDING, deadlineAt: until });
    expect(goes(state, tickets, nowMs, comesBack(state)).atMs).toBeLessThan(until);
  });
});

/** The conversation that was granted last goes on and on. */
function comesBack(state: RegionState): (nowMs: number) => void {
  return (nowMs) => {
    const again = reserve(state, large(state, 3), STANDING, nowMs, random);
    if (again.kind === "granted") done(state, again.grant.ticket, nowMs + 1);
    if (again.kind === "queued") withdraw(state, "h200", again.ticket, nowMs);
  };
}

function backlogUntil(state: RegionState): number {
  return state.pools.get("h200")?.engines[0]?.backlogUntil ?? NaN;
}

function peaceUntil(state: RegionState): number {
  return state.pools.get("h200")?.engines[0]?.peaceUntil ?? NaN;
}

/** When the first of some waiting legs is let go, epoch ms, and why. */
function goes(
  state: RegionState,
  tickets: readonly string[],
  fromMs: number,
  meanwhile?: (nowMs: number) => void,
): { readonly atMs: number; readonly reason: string } {
  for (let nowMs = fromMs; nowMs < fromMs + 3_600_000; nowMs += 1000) {
    meanwhile?.(nowMs);
    for (const ticket of tickets) {
      const answer = claim(state, "h200", ticket, nowMs, random);
      if (answer.kind === "granted") return { atMs: nowMs, reason: answer.grant.reason };
    }
  }
  throw new Error("nobody was let go");
}
