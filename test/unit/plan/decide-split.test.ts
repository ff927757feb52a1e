import { describe, expect, it } from "vitest";
import { decideSplit } from "../../../src/core/plan/decide-split.ts";
import { plan } from "../../../src/core/plan/plan.ts";
import { planInput } from "./plan-fixtures.ts";

const input = planInput();

function plannedSplit() {
  const planned = plan(input).placements.find(({ mode }) => mode === "disaggregated");
  if (planned === undefined) throw new TypeError("the fixture splits");
  return planned;
}

describe("the mode, decided again", () => {
  it("stays split when the decode engine holds nothing", () => {
    const planned = plannedSplit();
    const answer = { engine: planned.decode.engine, heldTokens: 0, startInMs: 0 };
    expect(decideSplit(input, planned, answer).mode).toBe("disaggregated");
  });

  it("becomes together when the decode engine holds nearly everything", () => {
    const planned = plannedSplit();
    const answer = { engine: "h200/1", heldTokens: 19_900, startInMs: 0 };
    expect(decideSplit(input, planned, answer)).toMatchObject({
      mode: "together",
      decode: { engine: "h200/1", heldTokens: 19_900 },
    });
  });

  it("becomes together when the decode engine starts too late for the lease", () => {
    const planned = plannedSplit();
    const answer = { engine: "h200/0", heldTokens: 0, startInMs: 20_000 };
    expect(decideSplit(input, planned, answer).mode).toBe("together");
  });

  it("moves less over the link when the decode engine holds a part", () => {
    const planned = plannedSplit();
    const answer = { engine: planned.decode.engine, heldTokens: 2000, startInMs: 0 };
    expect(decideSplit(input, planned, answer).kvBytes).toBe(18_000 * 327_680);
  });
});
