import { describe, expect, it } from "vitest";
import { afterwards } from "../../../src/core/plan/afterwards.ts";
import { plan } from "../../../src/core/plan/plan.ts";
import { planInput } from "./plan-fixtures.ts";

const input = planInput();
const { placements } = plan(input);
const { promptTokens, expectedOutputTokens } = input.ask;

describe("a placement, priced again after the turn", () => {
  it("costs what was planned when the tokens were as expected", () => {
    for (const placement of placements) {
      const known = { promptTokens, outputTokens: expectedOutputTokens };
      expect(afterwards(input, placement, known)).toMatchObject({
        kvBytes: placement.kvBytes,
        terms: { usd: placement.terms.usd, joules: placement.terms.joules },
      });
    }
  });

  it("costs less when more was cached and less was said", () => {
    for (const placement of placements) {
      const known = { promptTokens, outputTokens: 1, cachedTokens: promptTokens - 1 };
      expect(afterwards(input, placement, known)?.terms.usd).toBeLessThan(placement.terms.usd);
    }
  });

  it("has no price where its engine is not known any more", () => {
    const [placement] = placements;
    if (placement === undefined) throw new TypeError("the fixture has placements");
    const gone = { ...placement, decode: { ...placement.decode, engine: "gone/0" } };
    expect(afterwards(input, gone, { promptTokens, outputTokens: 1 })).toBeUndefined();
  });
});
