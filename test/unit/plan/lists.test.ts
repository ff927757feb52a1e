import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, planInput } from "./plan-fixtures.ts";

const prefillMs = (promptTokens: number, longestTokens?: number) => {
  const asked = ask({ promptTokens, ...(longestTokens !== undefined && { longestTokens }) });
  return plan(planInput({ ask: asked })).placements[0]?.terms.prefillMs ?? NaN;
};

describe("the prefill of several prompts at once", () => {
  it("takes less the shorter they are, and as long as one where one is all", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 100_000 }),
        fc.integer({ min: 1, max: 100 }),
        (tokens, parts) => {
          const together = prefillMs(tokens, tokens);
          const apart = prefillMs(tokens, Math.ceil(tokens / parts));
          expect(together).toBe(prefillMs(tokens));
          expect(apart).toBeLessThanOrEqual(together);
          expect(prefillMs(tokens, 1)).toBeLessThanOrEqual(apart);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("grows with their number, not with its square", () => {
    const setUpMs = prefillMs(1, 1);
    const once = prefillMs(50_000, 500) - setUpMs;
    expect((prefillMs(100_000, 500) - setUpMs) / once).toBeCloseTo(2, 1);
  });
});
