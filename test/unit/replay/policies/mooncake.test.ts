import { describe, expect, it } from "vitest";
import { mooncakeGlobal } from "../../../../src/replay/policies/mooncake-global.ts";
import { mooncakeLocal } from "../../../../src/replay/policies/mooncake-local.ts";
import { nearestExact } from "../../../../src/replay/policies/nearest-exact.ts";
import { counted, engineOfRoute, fakeRequest, fakeSetup } from "./fake-setup.ts";

describe("mooncake-local", () => {
  it("takes the lowest queue and prefill with what each engine holds", () => {
    // 300 + 400 = 700, 0 + 1000, 650 + 100 = 750.
    const setup = fakeSetup([{ queuedMs: 300, holds: 600 }, {}, { queuedMs: 650, holds: 900 }]);
    expect(engineOfRoute(mooncakeLocal().create(setup).route(fakeRequest()))).toBe(0);
  });

  it("counts what it just sent as queue", () => {
    const setup = fakeSetup([{ holds: 400 }, {}], { ageMs: 1000 });
    const policy = mooncakeLocal().create(setup);
    // 600 and 1000; then 600 + 600 and 1000; then 1200 and 2000; then 1800 and 2000.
    const chosen = Array.from({ length: 4 }, () => engineOfRoute(policy.route(fakeRequest())));
    expect(chosen).toEqual([0, 1, 0, 0]);
  });

  it("counts what it sent as held before the view shows it, unless told not to", () => {
    const route = (predicts: boolean) => {
      const setup = fakeSetup([{ up: false }, {}], { ageMs: 1e6 });
      const policy = mooncakeLocal({ predicts }).create(setup);
      const prefix = Array.from({ length: 60 }, (_, at) => at);
      policy.route(fakeRequest({ prefix }));
      setup.gauge(0, { up: true, queuedMs: 1e6 + 400 });
      // Idle but for 1,000 ms of the first request, and 960 of 1,000 tokens held; or 400 ms of queue and nothing.
      return engineOfRoute(policy.route(fakeRequest({ prefix })));
    };
    expect(route(true)).toBe(1);
    expect(route(false)).toBe(0);
  });

  it("takes any of those within a share of the lowest TTFT when told to", () => {
    const setup = fakeSetup([{ queuedMs: 0 }, { queuedMs: 40 }, { queuedMs: 60 }]);
    const chosen = (nearTie: number) =>
      Array.from({ length: 200 }, () =>
        engineOfRoute(mooncakeLocal({ nearTie }).create(setup).route(fakeRequest())),
      );
    expect(Object.keys(counted(chosen(0)))).toEqual(["0"]);
    expect(Object.keys(counted(chosen(0.05)))).toEqual(["0", "1"]);
  });

  it("takes off a queue what has been worked on since the view was taken", () => {
    const setup = fakeSetup([{ queuedMs: 900 }, { holds: 300, queuedMs: 800 }], { ageMs: 1000 });
    expect(engineOfRoute(mooncakeLocal().create(setup).route(fakeRequest()))).toBe(1);
    const later = fakeSetup([{ queuedMs: 1100 }, { holds: 50, queuedMs: 1200 }], { ageMs: 1000 });
    // 100 + 1000 against 200 + 950.
    expect(engineOfRoute(mooncakeLocal().create(later).route(fakeRequest()))).toBe(0);
  });

  it("refuses what would wait longer than the SLO it was given", () => {
    const setup = fakeSetup([{ queuedMs: 600 }]);
    const route = (rejectTtftMs: number) =>
      mooncakeLocal({ rejectTtftMs }).create(setup).route(fakeRequest()).kind;
    expect(route(1500)).toBe("refuse");
    expect(route(1600)).toBe("send");
  });
});

describe("mooncake-global", () => {
  it("pulls the longest prefix to an idle engine when that is cheaper than computing it", () => {
    // Engine 0 holds 800 but has 500 ms to do: 700. Engine 1 pulls 800 × 0.1 ms and computes 200: 280.
    const setup = fakeSetup([{ holds: 800, queuedMs: 500 }, {}], { pullMsPerToken: 0.1 });
    expect(mooncakeGlobal().create(setup).route(fakeRequest())).toEqual({
      kind: "send",
      engine: 1,
      pull: { from: 0, tokens: 800 },
    });
  });

  it("pays only for the part that is missing", () => {
    // Engine 1 holds 300: pulls 500 × 0.5 = 250, computes 200: 450, against 500 + 200 at engine 0.
    const setup = fakeSetup([{ holds: 800, queuedMs: 260 }, { holds: 300 }], {
      pullMsPerToken: 0.5,
    });
    expect(mooncakeGlobal().create(setup).route(fakeRequest())).toMatchObject({ engine: 1 });
    setup.gauge(0, { queuedMs: 240 });
    expect(mooncakeGlobal().create(setup).route(fakeRequest())).toEqual({
      kind: "send",
      engine: 0,
    });
  });

  it("computes where computing is cheaper, unless told to follow the threshold alone", () => {
    const engines = [{ holds: 800, queuedMs: 5000 }, {}];
    const setup = fakeSetup(engines, { pullMsPerToken: 2 });
    expect(mooncakeGlobal().create(setup).route(fakeRequest())).toEqual({
      kind: "send",
      engine: 1,
    });
    const blind = mooncakeGlobal({ pullsOnlyWhenCheaper: false }).create(setup);
    expect(blind.route(fakeRequest())).toMatchObject({ engine: 1, pull: { from: 0 } });
  });

  it("leaves prefixes alone that are not more than the threshold's times its own", () => {
    const engines = [{ holds: 800, queuedMs: 5000 }, { holds: 400 }];
    const setup = fakeSetup(engines, { pullMsPerToken: 0.01 });
    const pulls = (balancingThreshold: number) =>
      mooncakeGlobal({ balancingThreshold }).create(setup).route(fakeRequest());
    expect(pulls(2)).toEqual({ kind: "send", engine: 1 });
    expect(pulls(1.9)).toMatchObject({ pull: { from: 0, tokens: 800 } });
  });

  it("does without links as local scheduling does", () => {
    const setup = fakeSetup([{ holds: 800, queuedMs: 900 }, {}]);
    expect(mooncakeGlobal().create(setup).route(fakeRequest())).toEqual({
      kind: "send",
      engine: 1,
    });
  });
});

describe("nearest-exact", () => {
  const near = { region: "near", rttMs: 10 };
  const far = { region: "far", rttMs: 80 };

  it("stays in the nearest region while its best engine's queue is short", () => {
    const setup = fakeSetup([
      { ...far, holds: 900 },
      { ...near, queuedMs: 900 },
      { ...near, queuedMs: 700 },
    ]);
    expect(engineOfRoute(nearestExact().create(setup).route(fakeRequest()))).toBe(2);
  });

  it("goes on to the next region when it is long, and comes back when it is not", () => {
    const setup = fakeSetup([far, { ...near, queuedMs: 1001 }]);
    const policy = nearestExact().create(setup);
    expect(engineOfRoute(policy.route(fakeRequest()))).toBe(0);
    setup.gauge(1, { queuedMs: 1000 });
    expect(engineOfRoute(policy.route(fakeRequest()))).toBe(1);
  });

  it("takes the lowest predicted TTFT anywhere when every region is full", () => {
    const setup = fakeSetup([
      { ...far, queuedMs: 1100, holds: 500 },
      { ...near, queuedMs: 2000 },
    ]);
    expect(engineOfRoute(nearestExact().create(setup).route(fakeRequest()))).toBe(0);
  });

  it("spills a burst by what it sent itself", () => {
    const setup = fakeSetup([far, near]);
    const policy = nearestExact({ overflowQueueMs: 1500 }).create(setup);
    const chosen = Array.from({ length: 4 }, () => engineOfRoute(policy.route(fakeRequest())));
    expect(counted(chosen)).toEqual({ 0: 2, 1: 2 });
  });
});
