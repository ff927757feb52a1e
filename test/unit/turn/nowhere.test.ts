import { describe, expect, it } from "vitest";
import type { EngineView, Plan } from "../../../src/core/plan/placement.ts";
import { plan } from "../../../src/core/plan/plan.ts";
import type { PlanInput } from "../../../src/core/plan/plan-input.ts";
import { nowhere } from "../../../src/turn/nowhere.ts";
import type { Prepared } from "../../../src/turn/prepare.ts";
import { fleet, planInput, pool, view } from "../plan/plan-fixtures.ts";

const turn = {
  model: { id: "m", contextWindow: 4096 },
  ask: { promptTokens: 9000 },
  labels: { place: "cn" },
} as Prepared;
const because = (refusals: Plan["refusals"]) =>
  nowhere(turn, { placements: [], candidates: [], refusals, input: planInput() });

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

  it("names the places there are when it is the place", () => {
    expect(because({ place: 2 }).message).toContain("`edge-bound:<region>`");
    expect(because({ place: 2 }).message).toMatch(/`use1`, `iad`, `ams`.*`us`, `eu`/);
    expect(because({ "kv-capacity": 2 }).message).not.toContain("edge-bound");
  });

  it("counts tokens where there are too many", () => {
    const { message, refusedBy } = because({ model: 1, "context-window": 2 });
    expect(message).toMatch(/4096 tokens.*9000/);
    expect(refusedBy).toEqual(["context-window"]);
  });
});

describe("a model whose engines may not be asked", () => {
  const near = pool("near");
  const far = pool("far", { region: "ams" });
  const planned = fleet({ poolList: [near, far], links: [] });

  function told(viewList: readonly EngineView[], changes: Partial<PlanInput> = {}) {
    const input = planInput({ fleet: planned, viewList, ...changes });
    return nowhere(turn, { ...plan(input), input });
  }

  const full = (engine: string, opensInMs: number) =>
    view(engine, { healthy: false, rests: true, opensInMs });
  const broken = (engine: string, opensInMs: number) =>
    view(engine, { healthy: false, rests: false, opensInMs });
  const resting = [
    full("near/0", 2900),
    full("near/1", 9000),
    full("far/0", 5000),
    full("far/1", 5000),
  ];

  it("is rate limited until the first of them may be asked, when they are merely full", () => {
    expect(told(resting)).toMatchObject({ kind: "overloaded", status: 429, retryAfterMs: 2900 });
  });

  it("is not there until then, when one of them is broken", () => {
    const failure = told([...resting.slice(1), broken("near/0", 4000)]);
    expect(failure).toMatchObject({ kind: "overloaded", retryAfterMs: 4000 });
    expect(failure.status).toBeUndefined();
  });

  it("waits a second at least", () => {
    const probed = ["near/0", "near/1", "far/0", "far/1"].map((engine) => broken(engine, 0));
    expect(told(probed)).toMatchObject({ kind: "overloaded", retryAfterMs: 1000 });
  });

  it("is told of the engines at the request's place only", () => {
    const labels = { ...planInput().labels, place: "eu" };
    const views = [broken("near/0", 100), full("far/0", 5000), full("far/1", 6000)];
    expect(told(views, { labels })).toMatchObject({ status: 429, retryAfterMs: 5000 });
  });
});
