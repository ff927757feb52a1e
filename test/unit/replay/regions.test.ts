import { describe, expect, it } from "vitest";
import { parseMesh } from "../../../src/config/parse.ts";
import { dialects } from "../../../src/engines/registry.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { meshFleet } from "../../../src/replay/mesh-fleet.ts";
import { policyNamed } from "../../../src/replay/policy-table.ts";
import type { Simulation } from "../../../src/replay/simulation.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import { spreadOf } from "../../../src/replay/statistics.ts";
import { run, type Row, ttfts, workloadOf } from "./small-run.ts";
import { WORLD } from "./world.ts";

const EDGES = { edges: 8, staleMs: 1000, edgeRegions: ["use1", "euw1"] };
const POLICIES = ["phaseway", "nearest-exact"];

describe("edges in two regions", () => {
  it("keep their sessions", async () => {
    const turns = Array.from({ length: 3 }, () => ({ prompt: 2000, thinkMs: 100 }));
    const workload = await workloadOf(rows(40, 500).map((row) => ({ ...row, later: turns })));
    const { arrivals } = run(workload, twoRegions(), policyNamed("random"), EDGES);
    const edgesOf = Map.groupBy(arrivals.edge.keys(), (i) => workload.session[i]);
    expect(edgesOf.size).toBe(40);
    for (const requests of edgesOf.values()) {
      expect(new Set(requests.map((i) => arrivals.edge[i])).size).toBe(1);
    }
    expect(new Set(arrivals.edge).size).toBe(8);
  });

  it("are as far from engines as their regions are", async () => {
    const workload = await workloadOf(rows(40, 2000));
    const ran = run(workload, twoRegions(), policyNamed("random"), EDGES);
    const far = [...workload.atMs.keys()].filter((i) => regionOf(ran, i) !== engineRegion(ran, i));
    expect(far.length).toBeGreaterThan(5);
    const nearMs = Math.min(...ttfts(ran));
    for (const i of far) expect(ttfts(ran)[i]).toBeGreaterThan(nearMs + 60);
  });

  it.each(POLICIES)("serve requests where they come from: %s", async (name) => {
    const workload = await workloadOf(rows(200, 1000));
    expect(shareAtHome(run(workload, twoRegions(), policyNamed(name), EDGES))).toBeGreaterThan(
      0.95,
    );
  });

  it.each(POLICIES)("lend each other engines when one region has too much: %s", async (name) => {
    const workload = await workloadOf(rows(400, 500, 16_000));
    const crowded = { ...EDGES, edgeRegions: ["use1"] };
    const ran = run(workload, twoRegions(), policyNamed(name), crowded);
    // 1.4 times what the two engines at home can do.
    expect(shareAtHome(ran)).toBeLessThan(0.8);
    expect(shareAtHome(ran)).toBeGreaterThan(0.4);
    expect(spreadOf(ttfts(ran)).mean).toBeLessThan(4000);
  });
});

function rows(count: number, everyMs: number, prompt = 2000): Row[] {
  return Array.from({ length: count }, (_, i) => ({ atMs: i * everyMs, prompt, output: 20 }));
}

function shareAtHome(ran: Simulation): number {
  const { count }: Workload = ran.workload;
  const home = [...Array(count).keys()].filter((i) => regionOf(ran, i) === engineRegion(ran, i));
  return home.length / count;
}

function regionOf({ arrivals }: Simulation, request: number): string | undefined {
  return arrivals.edgeRegion[arrivals.edge[request] ?? -1];
}

function engineRegion({ outcomes, setup }: Simulation, request: number): string | undefined {
  return setup.engines[outcomes.engine[request] ?? -1]?.region;
}

/** Two engines on each side of the Atlantic, a pool each. */
function twoRegions(): FleetSetup {
  const pool = (id: string, region: string) => ({
    model: "m",
    device: "h200",
    devices: 4,
    region,
    dialect: "vllm-nixl",
    roles: ["prefill", "decode"],
    routed: "us",
    kvLayout: "m/bf16",
    engines: [0, 1].map((n) => ({ id: String(n), url: `http://127.0.0.1:9100/${id}/${n}` })),
  });
  const mesh = {
    ...WORLD,
    regions: { use1: { lat: 39, lon: -77.5 }, euw1: { lat: 53.3, lon: -6.3 } },
    pools: { "h200-use1": pool("h200-use1", "use1"), "h200-euw1": pool("h200-euw1", "euw1") },
  };
  const parsed = parseMesh(mesh, dialects);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return meshFleet(parsed.fleet, "m");
}
