import { describe, expect, it } from "vitest";
import { cellName } from "../../../src/replay/campaign/cells.ts";
import type { CellResult } from "../../../src/replay/campaign/results.ts";
import { type CampaignAxes, nextStage, type Stage } from "../../../src/replay/campaign/stages.ts";

const AXES: CampaignAxes = {
  traces: [
    { path: "a", arrivals: ["traced", "spread"] },
    { path: "b", arrivals: ["chance"] },
  ],
  calibrations: ["roofline"],
  loads: [0.5, 0.8],
  policies: ["phaseway", "phaseway-no-order", "p", "q", "r", "s"],
  sights: ["exact", "stale"],
  variants: new Map([["p", ["p x=1", "p x=2"]]]),
  seeds: 3,
};
const SITUATIONS = 6;

describe("the stages of a campaign", () => {
  const stages = runAll(() => 100);

  it("begin with everything once, ours under stale sight only", () => {
    const cells = stages[0]?.cells ?? [];
    expect(cells).toHaveLength(SITUATIONS * (2 + 4 * 2));
    expect(cells.every(({ seed }) => seed === 1)).toBe(true);
    expect(
      cells.some(({ policy, sight }) => policy.startsWith("phaseway") && sight === "exact"),
    ).toBe(false);
  });

  it("sweep parameters at one load", () => {
    const cells = stages[1]?.cells ?? [];
    expect(cells).toHaveLength((SITUATIONS / 2) * 2 * 2);
    expect(new Set(cells.map(({ load }) => load))).toEqual(new Set([0.8]));
  });

  it("try the best parameters of each baseline and sight at the other loads", () => {
    const swept = runAll(({ cell }) =>
      cell.policy === "p x=2" && cell.sight === "stale" ? 50 : 100,
    );
    const cells = swept[2]?.cells ?? [];
    expect(cells).toHaveLength(SITUATIONS / 2);
    expect(cells[0]).toMatchObject({ policy: "p x=2", sight: "stale", load: 0.5, seed: 1 });
  });

  it("end with further seeds of ours and of the best three that are not clearly beaten", () => {
    const regrets: Record<string, number> = { p: 100, q: 149, r: 151, s: 120, "p x=1": 130 };
    const further = runAll(({ cell }) => regrets[cell.policy] ?? 1000).at(-1)?.cells ?? [];
    const stale = further.filter(({ load, sight }) => load === 0.8 && sight === "stale");
    const policies = new Set(stale.map(({ policy }) => policy));
    expect([...policies].toSorted()).toEqual(["p", "p x=1", "phaseway", "phaseway-no-order", "s"]);
    expect(new Set(stale.map(({ seed }) => seed))).toEqual(new Set([2, 3]));
  });

  it("run no cell twice", () => {
    const all = stages.flatMap(({ cells }) => cells.map(cellName));
    expect(new Set(all).size).toBe(all.length);
  });
});

/** Runs stage after stage. */
function runAll(regretOf: (result: Pick<CellResult, "cell">) => number): Stage[] {
  const results: CellResult[] = [];
  const stages: Stage[] = [];
  for (let stage = nextStage(AXES, results); stage; stage = nextStage(AXES, results)) {
    stages.push(stage);
    for (const cell of stage.cells) {
      results.push({ cell, figures: { regret_ms: regretOf({ cell }) } });
    }
    expect(stages.length).toBeLessThan(6);
  }
  return stages;
}
