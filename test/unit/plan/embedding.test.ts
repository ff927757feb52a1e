import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, MODEL, planInput, pool } from "./plan-fixtures.ts";

const embedding = { ...MODEL, kind: "embedding" as const };
const poolList = [
  pool("near", { roles: ["prefill"] }),
  pool("far", { roles: ["prefill"], region: "ams" }),
];
const embeddingFleet = fleet({ poolList, models: new Map([[MODEL.id, embedding]]) });

describe("the plan of an embedding", () => {
  it("is prefill at one engine of a pool that has no other role, the nearest first", () => {
    const input = planInput({ fleet: embeddingFleet, ask: ask({ expectedOutputTokens: 0 }) });
    const { placements } = plan(input);
    expect(placements.map(({ mode }) => mode)).not.toContain("disaggregated");
    expect(placements[0]?.decode.pool).toBe("near");
    expect(placements.some(({ decode }) => decode.pool === "far")).toBe(true);
  });

  it("never counts time or money for a decode", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (promptTokens) => {
        const asked = ask({ promptTokens, expectedOutputTokens: 0, remainingTurns: 0 });
        for (const { terms } of plan(planInput({ fleet: embeddingFleet, ask: asked })).placements) {
          expect(terms).toMatchObject({ firstMs: 0, tpotMs: 0 });
          expect(terms.completionMs).toBe(terms.ttftMs);
          expect(terms.ttftMs).toBeCloseTo(terms.rttMs + terms.queueMs + terms.prefillMs);
          expect(terms.score).toBeGreaterThan(0);
          expect(Object.values(terms).every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("leaves engines of one phase to models that write", () => {
    const writing = planInput({ fleet: fleet({ poolList }) });
    expect(plan(writing).placements).toEqual([]);
  });
});
