import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMesh } from "../../../src/config/parse.ts";
import { transferMs } from "../../../src/core/speed.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { capacityRate } from "../../../src/replay/capacity.ts";
import { meshFleet } from "../../../src/replay/mesh-fleet.ts";
import { Network } from "../../../src/replay/network.ts";
import { summaryOf } from "../../../src/replay/summary.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import { atRate } from "../../../src/replay/workload.ts";
import { fleetOf, policyOf, run, workloadOf } from "./small-run.ts";

describe("the fleet of a mesh.json", () => {
  const parsed = parseMesh(JSON.parse(readFileSync("mesh.json", "utf8")), dialects);
  if (!parsed.ok) throw new Error("the shipped mesh.json is not fine");
  const mesh = parsed.fleet;

  it("has the engines of one model, by any of its names", () => {
    const fleet = meshFleet(mesh, "large");
    expect(new Set(fleet.engines.map(({ model }) => model))).toEqual(new Set(["llama-3.3-70b"]));
    expect(fleet.engines.length).toBeGreaterThan(4);
    expect(() => meshFleet(mesh, "enormous")).toThrow("no pool of ours serves `enormous`");
  });

  it("moves KV cache over its links as fast as the planner thinks", () => {
    const fleet = meshFleet(mesh, "large");
    const network = new Network(fleet);
    for (const link of fleet.mesh.links) {
      const from = fleet.engines.findIndex(({ pool }) => pool === link.from);
      const to = fleet.engines.findIndex(({ pool }) => pool === link.to);
      const bytes = 1000 * (fleet.engines[from]?.kvBytesPerToken ?? 0);
      expect(network.idleMs(from, to, 1000)).toBeCloseTo(transferMs(link, bytes), 6);
    }
    expect(fleet.links.length).toBeGreaterThan(0);
  });

  it("has regions as far apart as they are", () => {
    const { rttMs } = meshFleet(mesh, "large");
    expect(rttMs("use1", "use1")).toBe(0);
    expect(rttMs("use1", "euw1")).toBeGreaterThan(60);
  });
});

describe("the rate that a fleet can take at best", () => {
  it("keeps it busy all the time", async () => {
    const rows = Array.from({ length: 400 }, (_, i) => ({ atMs: i * 100, prompt: 900 }));
    const workload = await workloadOf(rows);
    const fleet = fleetOf(2, { decodes: false });
    const full = capacityRate(workload, fleet, new Int32Array(workload.count));
    // 100 ms of work every 100 ms on two engines.
    expect(full).toBeCloseTo(2, 1);
    let next = 0;
    const inTurn = policyOf(() => ({ route: () => ({ kind: "send", engine: next++ % 2 }) }));
    const busyAt = (load: number): number => {
      const ran = run(atRate(workload, load * full), fleet, inTurn);
      return summaryOf(ran, ceilingsOf(workload, 0)).busyShare;
    };
    expect(busyAt(0.5)).toBeCloseTo(0.5, 1);
    expect(busyAt(0.95)).toBeCloseTo(0.95, 1);
  });

  it("is lower when answers have to be decoded too", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ atMs: i * 100, prompt: 900, output: 50 }));
    const workload = await workloadOf(rows);
    const nothing = new Int32Array(workload.count);
    const prefill = capacityRate(workload, fleetOf(2, { decodes: false }), nothing);
    expect(capacityRate(workload, fleetOf(2), nothing)).toBeLessThan(prefill * 0.7);
  });
});
