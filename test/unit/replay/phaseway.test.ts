import { describe, expect, it } from "vitest";
import { AWAY, calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import { meshFleet } from "../../../src/replay/mesh-fleet.ts";
import { FINISHED } from "../../../src/replay/outcomes.ts";
import { phaseway } from "../../../src/replay/phaseway/phaseway.ts";
import type { PolicyEntry } from "../../../src/replay/policy.ts";
import { parseMesh } from "../../../src/config/parse.ts";
import { dialects } from "../../../src/engines/registry.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { run, workloadOf } from "./small-run.ts";
import { WORLD } from "./world.ts";

const MOONCAKE = calibration("mooncake-a800");

describe("phaseway", () => {
  it("crosses the world once to be granted an engine and to be computed", async () => {
    const workload = await workloadOf([{ prompt: 8000 }]);
    const fleet = calibratedFleet(MOONCAKE, 16, 50);
    const { outcomes } = run(workload, fleet, phaseway(), { edgeRegions: [AWAY] });
    const unloadedMs = MOONCAKE.speed.prefillMs(8000, 0);
    expect(outcomes.sentAt[0]).toBe(25);
    expect(outcomes.firstTokenAt[0]).toBeCloseTo(50 + unloadedMs, 6);
  });

  it("spreads a burst over the engines although every edge sees an idle fleet", async () => {
    const workload = await workloadOf(Array.from({ length: 16 }, () => ({ prompt: 8000 })));
    const fleet = calibratedFleet(MOONCAKE, 16, 50);
    const stale = { edges: 16, staleMs: 1000, edgeRegions: [AWAY] };
    const { outcomes } = run(workload, fleet, phaseway(), stale);
    expect(new Set(outcomes.engine).size).toBe(16);
  });

  it("brings a session back to the engine that holds its prefix", async () => {
    const blocks = Array.from({ length: 200 }, (_, n) => n);
    const turns = [10, 20, 30].map((more) => ({
      prompt: 17_000 + more * 100,
      blocks: [...blocks, ...Array.from({ length: more }, (_, n) => 1000 + n)].slice(0, 170 + more),
      thinkMs: 1000,
    }));
    const workload = await workloadOf([
      { prompt: 17_000, blocks: blocks.slice(0, 170), later: turns },
    ]);
    const { outcomes } = run(workload, calibratedFleet(MOONCAKE, 16), phaseway());
    expect(new Set(outcomes.engine).size).toBe(1);
    expect(outcomes.cachedTokens.slice(1).every((tokens) => tokens >= 17_000)).toBe(true);
  });

  it("has a prefix sent to an idle engine while the one that holds it is busy", async () => {
    const shared = Array.from({ length: 300 }, (_, n) => n);
    const prompt = (of: number) => [...shared, ...Array.from({ length: 200 }, (_, n) => of + n)];
    const workload = await workloadOf([
      { prompt: 50_000, blocks: prompt(1000) },
      { atMs: 60_000, prompt: 50_000, blocks: prompt(2000) },
      { atMs: 60_001, prompt: 50_000, blocks: prompt(3000) },
    ]);
    const fleet = calibratedFleet(MOONCAKE, 4);
    const pulling = run(workload, fleet, phaseway()).outcomes;
    expect(Math.max(...pulling.pulledTokens)).toBe(30_000);
    const alone = run(workload, fleet, phaseway({ without: "pull" })).outcomes;
    expect(Math.max(...alone.pulledTokens)).toBe(0);
  });

  it("lets short prompts pass long ones while all engines are busy, unless told to keep the order", async () => {
    const workload = await workloadOf([
      { prompt: 50_000 },
      { atMs: 10, prompt: 40_000 },
      { atMs: 20, prompt: 1000 },
    ]);
    const fleet = calibratedFleet(MOONCAKE, 1);
    const firstTokens = (entry: PolicyEntry) => [
      ...run(workload, fleet, entry).outcomes.firstTokenAt,
    ];
    const [, long = 0, short = 0] = firstTokens(phaseway());
    expect(short).toBeLessThan(long);
    const [, before = 0, after = 0] = firstTokens(phaseway({ without: "order" }));
    expect(before).toBeLessThan(after);
  });

  it("refuses nobody because the queue is long", async () => {
    const workload = await workloadOf(Array.from({ length: 20 }, () => ({ prompt: 60_000 })));
    const { outcomes } = run(workload, calibratedFleet(MOONCAKE, 1), phaseway());
    expect(new Set(outcomes.status)).toEqual(new Set([FINISHED]));
  });

  it("splits a long prompt over a fast link and keeps a short one together", async () => {
    const workload = await workloadOf([
      { prompt: 60_000, output: 50 },
      { atMs: 60_000, prompt: 200, output: 50 },
    ]);
    const { outcomes } = run(workload, splitFleet(), phaseway());
    expect([...outcomes.status]).toEqual([FINISHED, FINISHED]);
    expect(outcomes.prefill[0]).not.toBe(outcomes.engine[0]);
    expect(outcomes.prefill[1]).toBe(outcomes.engine[1]);
  });
});

/** Two prefill engines without HBM and one that does both, joined by RDMA. */
function splitFleet(): FleetSetup {
  const engine = (id: string) => ({ id, url: `http://127.0.0.1:1/${id}` });
  const shared = { model: "m", region: "here", dialect: "vllm-nixl", kvLayout: "m", routed: "us" };
  const mesh = {
    ...WORLD,
    regions: { here: { lat: 39, lon: -77 } },
    pools: {
      fast: {
        ...shared,
        device: "rubin-cpx",
        devices: 4,
        roles: ["prefill"],
        engines: [engine("0"), engine("1")],
      },
      both: {
        ...shared,
        device: "h200",
        devices: 4,
        roles: ["prefill", "decode"],
        engines: [engine("2")],
      },
    },
    links: [
      {
        from: "fast",
        to: "both",
        transport: "rdma",
        gbps: 400,
        perFlowGbps: 400,
        rttMs: 1,
        usdPerGB: 0,
      },
    ],
  };
  const parsed = parseMesh(mesh, dialects);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return meshFleet(parsed.fleet, "m");
}
