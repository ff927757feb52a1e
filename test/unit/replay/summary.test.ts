import { createReadStream, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration, calibrations } from "../../../src/replay/calibrations.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import { figuresOf, overSeeds } from "../../../src/replay/figures.ts";
import { packArrivals } from "../../../src/replay/pack.ts";
import { policies, policyNamed } from "../../../src/replay/policy-table.ts";
import { replay } from "../../../src/replay/replay.ts";
import { summaryOf } from "../../../src/replay/summary.ts";
import { atRate, type Workload } from "../../../src/replay/workload.ts";
import { arrivals } from "../../../src/traces/arrivals/arrivals.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import { always, fleetOf, policyOf, run, workloadOf } from "./small-run.ts";

const PATH = fileURLToPath(
  new URL("../../traces/mooncake/conversation_trace.jsonl", import.meta.url),
);

describe("the ceilings of a trace", () => {
  it("are what looking every prompt up among all before gives", async () => {
    const workload = await mooncake();
    const { byBlock, infinite, pooled } = ceilingsOf(workload, 1e9);
    const brute = bruteForce();
    expect(brute.byBlock).toBeGreaterThan(0.02);
    expect(byBlock).toBeCloseTo(brute.byBlock, 12);
    expect(infinite).toBeCloseTo(brute.byToken, 12);
    expect(pooled).toBeCloseTo(brute.byToken, 12);
  });

  it("are lower for one cache that is too small", async () => {
    const blocks = [1, 2, 3, 4];
    const others = [11, 12, 13, 14];
    const rows = [blocks, others, blocks, blocks].map((ids) => ({ prompt: 401, blocks: ids }));
    const workload = await workloadOf(rows);
    expect(ceilingsOf(workload, 800)).toMatchObject({ infinite: 800 / 1604, pooled: 800 / 1604 });
    expect(ceilingsOf(workload, 700)).toMatchObject({ infinite: 800 / 1604, pooled: 700 / 1604 });
    expect(ceilingsOf(workload, 400)).toMatchObject({ infinite: 800 / 1604, pooled: 400 / 1604 });
  });
});

describe("the pooled cache of a closed loop", () => {
  it("sees the turns in the order in which they came", async () => {
    const turns = (from: number) => {
      const blocks = [0, 1, 2, 3].map((n) => from + n);
      const again = { prompt: 401, blocks, thinkMs: 1000 };
      return { prompt: 401, blocks, later: [again, again] };
    };
    const workload = await workloadOf([turns(10), turns(20)]);
    const given = { workload, fleet: fleetOf(1, { kvTokens: 600 }), seeds: 1 };
    const policies = [always({ engine: 0 })];
    const [result] = [...replay({ ...given, policies, options: { edges: 1, staleMs: 0 } })];
    // Turns of the two sessions alternate: one cache of six blocks keeps two of each.
    expect(result?.means["hit_ceiling"]).toBeCloseTo(1600 / 2406, 12);
    expect(result?.means["hit_pooled_lru"]).toBeLessThan(1600 / 2406);
    expect(ceilingsOf(workload, 600).pooled).toBeCloseTo(1600 / 2406, 12);
  });
});

describe("a summary", () => {
  it("adds up what two requests and a refusal came to", async () => {
    const workload = await workloadOf([
      { prompt: 900, output: 11 },
      { atMs: 500, prompt: 1900, output: 1 },
      { atMs: 600, prompt: 100 },
    ]);
    const policy = policyOf(() => ({
      route: ({ index }) =>
        index === 2 ? { kind: "refuse", reason: "full" } : { kind: "send", engine: 0 },
    }));
    const ran = run(workload, fleetOf(2), policy);
    const summary = summaryOf(ran, ceilingsOf(workload, 1e6));
    expect(summary).toMatchObject({
      requests: 3,
      finished: 2,
      shed: 1,
      failed: 0,
      boundTtftMs: 150,
      regretMs: 0,
      hitRate: 0,
      loadMaxOverMean: 2,
      movedGB: 0,
      slo: { ttftMs: 1000, tpotMs: 50 },
    });
    expect(summary.ttftMs).toMatchObject({ mean: 150, p50: 150, max: 200 });
    expect(summary.tpotMs.mean).toBeCloseTo(6, 9);
    expect(summary.slowdown.max).toBe(1);
    // 0.7 s pass from the first arrival to the last end; two requests keep the SLO.
    expect(summary.spanS).toBeCloseTo(0.7, 9);
    expect(summary.goodput).toBeCloseTo(2 / 0.7, 9);
    expect(summary.busyShare).toBeCloseTo((160 + 200) / 1400, 9);
    // Two engines for 700 ms at $ 0.001 per ms, 100 W while one is busy, 2,812 tokens.
    expect(summary.usdPerMTok).toBeCloseTo((1.4 / 2812) * 1e6, 6);
    expect(summary.joulesPerMTok).toBeCloseTo((36 / 2812) * 1e6, 6);
    expect(summary.byDevice["device"]).toMatchObject({ engines: 2 });
  });

  it("measures slowdown against no queue and an infinite shared cache", async () => {
    const blocks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const workload = await workloadOf([
      { prompt: 1000, blocks },
      { atMs: 1000, prompt: 1000, blocks },
    ]);
    const apart = run(workload, fleetOf(2), always({ engine: 0 }, { engine: 1 }));
    const { slowdown, regretMs } = summaryOf(apart, ceilingsOf(workload, 1e6));
    expect(slowdown.max).toBeCloseTo(110 / 20, 9);
    expect(regretMs).toBeCloseTo(45, 9);
  });

  it("has an interval over seeds", () => {
    const { means, halfWidths } = overSeeds([{ x: 1 }, { x: 2 }, { x: 3 }]);
    expect(means["x"]).toBe(2);
    expect(halfWidths["x"]).toBeCloseTo((4.303 * 1) / Math.sqrt(3), 3);
    expect(overSeeds([{ x: 1 }]).halfWidths).toEqual({});
  });
});

describe("calibrations", () => {
  it.each([...calibrations.keys()])("%s replays a trace under every policy", async (name) => {
    const workload = atRate(await mooncake(), 4);
    const given = {
      workload,
      fleet: calibratedFleet(calibration(name), 4),
      policies: [...policies.values()],
      seeds: 1,
      options: { edges: 3, staleMs: 200, reportMs: [50, 300] as const },
    };
    const results = [...replay(given)];
    expect(results.map(({ policy }) => policy)).toEqual([...policies.keys()]);
    for (const { means } of results) {
      expect((means["completed"] ?? 0) + (means["shed"] ?? 0)).toBe(workload.count);
      expect(means["mean_ttft_ms"]).toBeGreaterThanOrEqual(means["bound_ttft_ms"] ?? Infinity);
      expect(means["hit_rate"]).toBeLessThanOrEqual((means["hit_ceiling"] ?? 0) + 1e-12);
    }
  });

  it("gives prefill times as published", () => {
    const ms = (name: string, tokens: number): number =>
      Math.round(calibration(name).speed.prefillMs(tokens, 0));
    expect([1000, 8192, 32_768, 131_072].map((n) => ms("dynamo-mocker", n))).toEqual([
      32, 169, 966, 9239,
    ]);
    expect([1024, 8192, 32_768].map((n) => ms("llm-d-sim", n))).toEqual([286, 2078, 8222]);
  });

  it("is refused by an unknown name, as is a policy", () => {
    expect(() => calibration("guess")).toThrow("roofline, dynamo-mocker, llm-d-sim");
    expect(() => policyNamed("guess")).toThrow("phaseway, random");
  });
});

describe("figures", () => {
  it("carry latencies under vLLM's names", async () => {
    const workload = await workloadOf([{ prompt: 900, output: 11 }]);
    const ran = run(workload, fleetOf(1), always({ engine: 0 }));
    const figures = figuresOf(summaryOf(ran, ceilingsOf(workload, 1e6)));
    expect(figures).toMatchObject({ mean_ttft_ms: 100, p99_ttft_ms: 100, mean_tpot_ms: 6 });
    expect(Object.values(figures).every(Number.isFinite)).toBe(true);
  });
});

async function mooncake(): Promise<Workload> {
  const sessions = readSessions([{ path: PATH, open: () => createReadStream(PATH) }]);
  const options = { starts: { kind: "traced" }, turns: "think" } as const;
  return packArrivals("slice", arrivals(sessions, options, seededRandom(1)), 512);
}

/** Every prompt against every prompt before it. */
function bruteForce(): { byBlock: number; byToken: number } {
  const rows = readFileSync(PATH, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { input_length: number; hash_ids: number[] });
  let blocks = 0;
  let blocksHeld = 0;
  let tokens = 0;
  let tokensHeld = 0;
  for (const [index, { input_length, hash_ids }] of rows.entries()) {
    const longest = rows.slice(0, index).reduce((best, before) => {
      let shared = 0;
      while (shared < hash_ids.length && before.hash_ids[shared] === hash_ids[shared]) shared++;
      return Math.max(best, shared);
    }, 0);
    blocks += hash_ids.length;
    blocksHeld += longest;
    tokens += input_length;
    // Blocks that are full, and never the last token.
    tokensHeld += 512 * Math.min(longest, Math.floor((input_length - 1) / 512));
  }
  return { byBlock: blocksHeld / blocks, byToken: tokensHeld / tokens };
}
