import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.ts";
import { calibratedFleet } from "../../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../../src/replay/calibrations.ts";
import { ceilingsOf } from "../../../../src/replay/ceilings.ts";
import { packArrivals } from "../../../../src/replay/pack.ts";
import { leastRequests } from "../../../../src/replay/policies/least-requests.ts";
import { longestPrefix } from "../../../../src/replay/policies/longest-prefix.ts";
import { mooncakeGlobal } from "../../../../src/replay/policies/mooncake-global.ts";
import { mooncakeLocal } from "../../../../src/replay/policies/mooncake-local.ts";
import { random } from "../../../../src/replay/policies/random.ts";
import { stickyHash } from "../../../../src/replay/policies/sticky-hash.ts";
import type { PolicyEntry } from "../../../../src/replay/policy.ts";
import { Simulation } from "../../../../src/replay/simulation.ts";
import { summaryOf } from "../../../../src/replay/summary.ts";
import type { Workload } from "../../../../src/replay/workload.ts";
import type { Arrival } from "../../../../src/traces/arrivals/loops.ts";
import { tracedRequest } from "../../traces/slices.ts";

const ENGINES = 8;
const fleet = calibratedFleet(calibration("mooncake-a800"), ENGINES);

describe("traps of cache-aware routing", () => {
  it("sticky hashing has nearly all the hits there are, and a bad TTFT", async () => {
    const workload = await unequalGroups();
    const sticky = run(workload, stickyHash());
    const costed = run(workload, mooncakeLocal());
    expect(sticky.hitRate).toBeGreaterThan(0.97 * sticky.hitCeiling);
    expect(sticky.ttftMs.mean).toBeGreaterThan(5 * costed.ttftMs.mean);
    expect(sticky.loadMaxOverMean).toBeGreaterThan(1.5);
    expect(costed.loadMaxOverMean).toBeLessThan(1.3);
  });

  it("the longest prefix sends everything to one engine, as all prompts share a block", async () => {
    const workload = await unequalGroups();
    const trapped = run(workload, longestPrefix());
    expect(trapped.loadMaxOverMean).toBeCloseTo(ENGINES, 5);
    expect(trapped.hitRate).toBeGreaterThan(0.97 * trapped.hitCeiling);
    expect(trapped.ttftMs.mean).toBeGreaterThan(10 * run(workload, random()).ttftMs.mean);
  });

  it("counting requests balances well, at the price of computing a third more", async () => {
    const workload = await unequalGroups();
    const counting = run(workload, leastRequests());
    const costed = run(workload, mooncakeLocal());
    expect(counting.loadMaxOverMean).toBeLessThan(1.2);
    expect(1 - counting.hitRate).toBeGreaterThan(1.3 * (1 - costed.hitRate));
  });

  it("pulling prefixes is worth more than choosing where they are", async () => {
    const workload = await unequalGroups();
    const pulling = run(workload, mooncakeGlobal());
    const costed = run(workload, mooncakeLocal());
    expect(pulling.ttftMs.mean).toBeLessThan(costed.ttftMs.mean);
    expect(pulling.movedGB).toBeGreaterThan(0);
  });
});

function run(workload: Workload, entry: PolicyEntry) {
  const simulation = new Simulation(workload, fleet, entry, { seed: 1, edges: 1, staleMs: 0 });
  simulation.run();
  return summaryOf(simulation, ceilingsOf(workload, ENGINES * 3_000_000));
}

/** 1,500 prompts of 20 blocks: one that all share, 15 of one of 24 groups (half as popular twice as far down), 4 own. */
function unequalGroups(): Promise<Workload> {
  const chance = seededRandom(7);
  const weights = Array.from({ length: 24 }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let atMs = 0;
  const arrivals = Array.from({ length: 1500 }, (_, index): Arrival => {
    let left = chance() * total;
    const group = weights.findIndex((weight) => (left -= weight) < 0);
    atMs += (-Math.log(1 - chance()) * 1000) / 8;
    const shared = Array.from({ length: 15 }, (_, at) => 1000 + group * 100 + at);
    const own = Array.from({ length: 4 }, (_, at) => 100_000 + index * 10 + at);
    const blocks = [1, ...shared, ...own];
    const request = tracedRequest({
      session: String(index),
      promptTokens: 20 * 512,
      blocks,
      blockTokens: 512,
    });
    return { atMs, request, later: [] };
  });
  return packArrivals("unequal groups", arrivals, 512);
}
