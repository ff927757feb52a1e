import { describe, expect, it } from "vitest";
import type { Plan } from "../../../src/core/plan/placement.ts";
import { nowhere } from "../../../src/turn/nowhere.ts";
import type { Prepared } from "../../../src/turn/prepare.ts";

const turn = {
  model: { id: "m", contextWindow: 4096 },
  ask: { promptTokens: 9000 },
  labels: { place: "cn" },
} as Prepared;
const because = (refusals: Plan["refusals"]) =>
  nowhere(turn, { placements: [], candidates: [], refusals });

describe("a plan without placements", () => {
  it("is of the moment when an engine is only unwell or has just failed", () => {
    expect(because({ model: 3, place: 2, unhealthy: 1 })).toEqual({
      kind: "overloaded",
      message: "no engine can take this request: place (2), unhealthy (1)",
      retryAfterMs: 1000,
    });
    expect(because({ avoided: 2 })).toMatchObject({ kind: "overloaded" });
    expect(because({ model: 3 })).toMatchObject({ kind: "overloaded" });
  });

  it("is the request's own fault when nothing will ever change it", () => {
    const never = because({ model: 3, place: 2, "kv-capacity": 1 });
    expect(never).toMatchObject({ kind: "caller", refusedBy: ["place", "kv-capacity"] });
    expect(never.message).toMatch(/`m`.*place `cn`.*place \(2\), kv-capacity \(1\)/);
  });

  it("counts tokens where there are too many", () => {
    const { message, refusedBy } = because({ model: 1, "context-window": 2 });
    expect(message).toMatch(/4096 tokens.*9000/);
    expect(refusedBy).toEqual(["context-window"]);
  });
});
