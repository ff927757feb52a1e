import { describe, expect, it } from "vitest";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { done, firstToken } from "../../../src/core/grant/report.ts";
import { claim, reserve } from "../../../src/core/grant/reserve.ts";
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
  const state = region({ engineCount: 1 });
  const { ticket } = granted(state, large(state, 1));
  firstToken(state, ticket, ENDED_MS - 1000);
  done(state, ticket, ENDED_MS);
  return state;
}

describe("a leg that comes cold", () => {
  it("waits while it would push out a conversation that is expected back, which goes on at once", () => {
    const state = answered();
    const nowMs = ENDED_MS + 1000;
    expect(reserve(state, large(state, 2), STANDING, nowMs, random).kind).toBe("queued");
    expect(reserve(state, large(state, 1), STANDING, nowMs + 1, random).kind).toBe("granted");
  });

  it("goes once nobody comes back any more", () => {
    const state = answered();
    const late = ENDED_MS + 3_600_000;
    expect(reserve(state, large(state, 2), STANDING, late, random).kind).toBe("granted");
  });

  it("goes once it has waited for many times what that costs the others, however often they come", () => {
    const state = answered();
    const waiting = reserve(state, large(state, 2), STANDING, ENDED_MS + 1, random);
    if (waiting.kind !== "queued") throw new TypeError(waiting.kind);
    let nowMs = ENDED_MS;
    let kind = "queued";
    while (kind === "queued" && nowMs < ENDED_MS + 3_600_000) {
      nowMs += 4000;
      const again = reserve(state, large(state, 1), STANDING, nowMs, random);
      if (again.kind === "granted") done(state, again.grant.ticket, nowMs + 500);
      ({ kind } = claim(state, "h200", waiting.ticket, nowMs + 1000, random));
    }
    expect(kind).toBe("granted");
    expect(nowMs).toBeGreaterThan(ENDED_MS + 30_000);
  });

  it("does not wait where there is a deadline that it would miss", () => {
    const state = answered();
    const pressing = { ...STANDING, deadlineAt: ENDED_MS + 1000 };
    const nowMs = ENDED_MS + 500;
    const answer = reserve(state, large(state, 2), pressing, nowMs, random);
    expect(answer.kind).toBe("granted");
  });
});
