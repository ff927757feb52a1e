import { describe, expect, it } from "vitest";
import { type GrantAsk, type Granted } from "../../../src/core/grant/grant.ts";
import { pulled } from "../../../src/core/grant/pulled.ts";
import { createRegionState, engineOf } from "../../../src/core/grant/region-state.ts";
import { done, firstToken } from "../../../src/core/grant/report.ts";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { ask, fleet, pool } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk } from "./grant-fixtures.ts";

const COST = { fixedMs: 2, msPerToken: 0.001, movesAll: true };

/** A prompt of 60,000 tokens whose first 59,000 are shared by all of them, for an engine that is none of `avoid`. */
function sibling(n: number, avoid: readonly string[]): GrantAsk {
  const links = [...Array.from({ length: 59 }, (_, at) => at + 1), 1000 + n];
  const chain = chainOf(links, 1000);
  return grantAsk({ requestId: `s${n}`, ...chain, ask: ask({ promptTokens: 60_000 }), avoid });
}

/** A prompt that shares the first 59,000 tokens was computed by `h200/0`; all others come without it. */
function warm(engineCount = 3) {
  const planned = fleet({ poolList: [pool("h200", { engineCount })] });
  const pulls = new Map([["h200", [{ from: "h200", cost: COST }]]]);
  const state = createRegionState(planned.pools, speedsOf(planned), pulls);
  const first = granted(state, sibling(0, others(engineCount, 0)));
  firstToken(state, first.ticket, first.prefillMs);
  done(state, first.ticket, first.prefillMs);
  let nowMs = 100_000;
  return {
    state,
    now: () => nowMs,
    pass(ms: number) {
      nowMs += ms;
    },
    /** A leg at that engine, granted now. */
    at: (n: number, engine: number): Granted =>
      granted(state, sibling(n, others(engineCount, engine)), nowMs),
    /** Tokens that the engine is believed to hold of all of their prompts. */
    heldBy(engine: number): number | undefined {
      const { chain, linkTokens } = sibling(0, []);
      return engineOf(state, `h200/${engine}`)?.index.heldTokens(linkKeys(chain), linkTokens);
    },
  };
}

function others(count: number, engine: number): string[] {
  return Array.from({ length: count }, (_, at) => `h200/${at}`).filter((_, at) => at !== engine);
}

describe("what came of a pull", () => {
  it("leaves the source as it was where all of it came", () => {
    const { state, at, now, heldBy } = warm();
    const { ticket } = at(1, 1);
    pulled(state, ticket, { share: 59 / 60 }, now());
    expect(heldBy(0)).toBe(60_000);
    expect(engineOf(state, "h200/0")?.residency.trust).toBe(1);
  });

  it("shows what the source has lost, where less came than it should hold", () => {
    const { state, at, now, heldBy } = warm();
    const { ticket } = at(1, 1);
    pulled(state, ticket, { share: 0.25 }, now());
    expect(heldBy(0)).toBe(15_000);
    expect(engineOf(state, "h200/0")?.residency.trust).toBeCloseTo(0.8);
  });

  it("is not looked for again where nothing came", () => {
    const { state, at, now, heldBy } = warm();
    const { ticket } = at(1, 1);
    pulled(state, ticket, { share: 0, why: "failed" }, now());
    expect(heldBy(0)).toBe(0);
    // The engine that had to compute it holds it all the same.
    expect(heldBy(1)).toBe(59_000);
    expect(at(2, 2).pull?.from).toBeUndefined();
  });

  it("is no failure where the engine had as much itself", () => {
    const { state, at, now, heldBy } = warm();
    const { ticket } = at(1, 1);
    pulled(state, ticket, { share: 59 / 60, why: "failed" }, now());
    expect(heldBy(0)).toBe(60_000);
  });

  it("keeps an engine from asking one again that it may not ask, for a while, and no other engine", () => {
    const { state, at, now, pass } = warm();
    for (const n of [1, 2, 3]) {
      const { ticket, pull } = at(n, 1);
      expect(pull?.from).toBe("h200/0");
      pulled(state, ticket, { share: 0, why: "refused" }, now());
      done(state, ticket, now());
      engineOf(state, "h200/1")?.index.clear();
    }
    expect(at(4, 1).pull).toBeUndefined();
    engineOf(state, "h200/1")?.index.clear();
    expect(at(5, 2).pull?.from).toBe("h200/0");
    engineOf(state, "h200/2")?.index.clear();
    pass(10_000);
    expect(at(6, 1).pull?.from).toBe("h200/0");
  });

  it("says nothing of a grant that pulls nothing, nor of one that has ended", () => {
    const { state, at, now, heldBy } = warm();
    const own = at(1, 0);
    expect(own.pull).toBeUndefined();
    pulled(state, own.ticket, { share: 0, why: "failed" }, now());
    const { ticket } = at(2, 1);
    done(state, ticket, now());
    pulled(state, ticket, { share: 0, why: "failed" }, now());
    expect(heldBy(0)).toBe(60_000);
  });
});

describe("pools that are linked", () => {
  it("let engines pull what those of the other hold, whole where that is how they send it", () => {
    const planned = fleet({ poolList: [pool("bulk", { engineCount: 1 }), pool("h200")] });
    const from = { from: "bulk", cost: COST };
    const speeds = speedsOf(planned);
    const state = createRegionState(planned.pools, speeds, new Map([["h200", [from]]]));
    const there = granted(state, { ...sibling(0, []), pool: "bulk" });
    done(state, there.ticket, 50_000);
    const here = granted(state, sibling(1, []), 60_000);
    expect(here.pull).toEqual({ from: "bulk/0", tokens: 59_000, movedTokens: 59_000, ms: 61 });
    done(state, here.ticket, 60_000);
    const back = granted(state, { ...sibling(2, ["bulk/0"]), pool: "bulk", avoid: [] }, 61_000);
    expect(back.pull).toBeUndefined();
  });

  it("are pulled from over whichever link is the quicker", () => {
    const planned = fleet({
      poolList: [pool("slow", { engineCount: 1 }), pool("fast", { engineCount: 1 }), pool("h200")],
    });
    const slow = { from: "slow", cost: { ...COST, msPerToken: 0.01 } };
    const pulls = new Map([["h200", [slow, { from: "fast", cost: COST }]]]);
    const state = createRegionState(planned.pools, speedsOf(planned), pulls);
    for (const id of ["slow", "fast"]) {
      const there = granted(state, { ...sibling(0, []), pool: id });
      done(state, there.ticket, 50_000);
    }
    expect(granted(state, sibling(1, []), 60_000).pull?.from).toBe("fast/0");
  });
});
