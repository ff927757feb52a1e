import { describe, expect, it } from "vitest";
import { leastRequests } from "../../../../src/replay/policies/least-requests.ts";
import { longestPrefix } from "../../../../src/replay/policies/longest-prefix.ts";
import { baselines, splitBaselines } from "../../../../src/replay/policies/policies.ts";
import { powerOfTwo } from "../../../../src/replay/policies/power-of-two.ts";
import { random } from "../../../../src/replay/policies/random.ts";
import { roundRobin } from "../../../../src/replay/policies/round-robin.ts";
import { stickyHash } from "../../../../src/replay/policies/sticky-hash.ts";
import type { PolicyEntry } from "../../../../src/replay/policy.ts";
import { type FakeSetup, counted, engineOfRoute, fakeRequest, fakeSetup } from "./fake-setup.ts";

describe("every baseline", () => {
  const all = [...baselines, ...splitBaselines];

  it.each(all)("%s leaves engines alone that are down or have another model", (_name, entry) => {
    const setup = fakeSetup([
      { up: false },
      { model: "other" },
      { chunkTokens: 1e6 },
      { roles: ["prefill"], chunkTokens: 1e6 },
    ]);
    expect(engines(entry, setup, 20)).toEqual({ 2: 20 });
  });

  it.each(all)("%s refuses when nobody can take a request", (_name, entry) => {
    const setup = fakeSetup([{ up: false }]);
    expect(entry.create(setup).route(fakeRequest()).kind).toBe("refuse");
  });

  it.each(all)("%s decides the same for the same seed", (_name, entry) => {
    const run = () => {
      const setup = fakeSetup([{}, { waiting: 1 }, {}, { holds: 100 }], { seed: 5 });
      const policy = entry.create(setup);
      return Array.from({ length: 30 }, (_, at) =>
        policy.route(fakeRequest({ index: at, session: at % 7, prefix: [0, at % 3] })),
      );
    };
    expect(run()).toEqual(run());
  });
});

describe("random", () => {
  it("takes every engine about equally often", () => {
    const counts = engines(random(), fakeSetup([{}, {}, {}, {}]), 4000);
    for (const engine of [0, 1, 2, 3])
      expect(Math.abs((counts[engine] ?? 0) - 1000)).toBeLessThan(120);
  });
});

describe("round-robin", () => {
  it("takes each engine in turn, wherever it began", () => {
    const policy = roundRobin().create(fakeSetup([{}, {}, {}], { seed: 3 }));
    const chosen = Array.from({ length: 6 }, () => engineOfRoute(policy.route(fakeRequest())));
    expect(new Set(chosen.slice(0, 3)).size).toBe(3);
    expect(chosen.slice(3)).toEqual(chosen.slice(0, 3));
  });
});

describe("least-requests", () => {
  it("counts waiting and running requests", () => {
    const setup = fakeSetup([{ waiting: 2 }, { waiting: 0, running: 1 }, { running: 2 }]);
    expect(engineOfRoute(leastRequests().create(setup).route(fakeRequest()))).toBe(1);
  });

  it("sees its own burst before the gauges do, for as long as they lag", () => {
    const setup = fakeSetup([{}, {}, {}], { ageMs: 1000 });
    const policy = leastRequests().create(setup);
    const burst = Array.from({ length: 6 }, () => engineOfRoute(policy.route(fakeRequest())));
    expect(counted(burst)).toEqual({ 0: 2, 1: 2, 2: 2 });
    setup.wait(1001);
    setup.gauge(0, { waiting: 1 });
    setup.gauge(1, { waiting: 1 });
    expect(engineOfRoute(policy.route(fakeRequest()))).toBe(2);
  });

  it("herds when it does not", () => {
    const setup = fakeSetup([{ waiting: 1 }, {}, { waiting: 1 }]);
    expect(engines(leastRequests({ countsUnseen: false }), setup, 10)).toEqual({ 1: 10 });
  });
});

describe("power-of-two", () => {
  it("never takes the busiest of all", () => {
    const setup = fakeSetup([{ waiting: 5000 }, {}, {}, {}]);
    const counts = engines(powerOfTwo(), setup, 1000);
    expect(counts[0]).toBeUndefined();
    expect(Object.keys(counts)).toHaveLength(3);
  });

  it("takes the second busiest only when it drew the two busiest: once in six pairs of four", () => {
    const setup = fakeSetup([{ running: 9e6 }, { running: 5e6 }, {}, {}]);
    const share = (engines(powerOfTwo(), setup, 6000)[1] ?? 0) / 6000;
    expect(Math.abs(share - 1 / 6)).toBeLessThan(0.02);
  });
});

describe("sticky-hash", () => {
  it("keeps a session at one engine, however long its queue", () => {
    const setup = fakeSetup([{}, {}, {}, {}]);
    const policy = stickyHash().create(setup);
    const first = engineOfRoute(policy.route(fakeRequest({ session: 9 })));
    setup.gauge(first, { waiting: 1000, queuedMs: 1e6 });
    expect(engineOfRoute(policy.route(fakeRequest({ session: 9, turn: 1 })))).toBe(first);
  });

  it("tells prompts without sessions apart by the block after the common preamble", () => {
    const setup = fakeSetup([{}, {}, {}, {}], { blockTokens: 512 });
    const policy = stickyHash().create(setup);
    const chosen = (...prefix: number[]) => engineOfRoute(policy.route(fakeRequest({ prefix })));
    for (let block = 1; block < 20; block += 1)
      expect(chosen(0, block, 77)).toBe(chosen(0, block, 78));
    expect(new Set(Array.from({ length: 40 }, (_, at) => chosen(0, at + 1))).size).toBe(4);
  });

  it("spreads sessions evenly, and moves those of a lost engine only", () => {
    const setup = fakeSetup([{}, {}, {}, {}]);
    const policy = stickyHash().create(setup);
    const place = () =>
      Array.from({ length: 4000 }, (_, session) =>
        engineOfRoute(policy.route(fakeRequest({ session }))),
      );
    const before = place();
    for (const count of Object.values(counted(before)))
      expect(Math.abs(count - 1000)).toBeLessThan(120);
    setup.gauge(2, { up: false });
    const after = place();
    expect(before.every((engine, at) => engine === 2 || after[at] === engine)).toBe(true);
    expect(new Set(after)).toEqual(new Set([0, 1, 3]));
  });
});

describe("longest-prefix", () => {
  it("takes the engine that holds most, however long its queue", () => {
    const setup = fakeSetup([{ holds: 500 }, { holds: 600, queuedMs: 1e6 }, {}]);
    expect(engines(longestPrefix({ knows: "view" }), setup, 5)).toEqual({ 1: 5 });
  });

  it("sends everything after the first request to one engine when all share a block", () => {
    const setup = fakeSetup(Array.from({ length: 8 }, () => ({})));
    const policy = longestPrefix().create(setup);
    const chosen = Array.from({ length: 100 }, (_, at) =>
      engineOfRoute(policy.route(fakeRequest({ prefix: [0, at + 1, at + 1001] }))),
    );
    expect(Object.keys(counted(chosen))).toHaveLength(1);
  });
});

function engines(entry: PolicyEntry, setup: FakeSetup, requests: number): Record<number, number> {
  const policy = entry.create(setup);
  return counted(
    Array.from({ length: requests }, () => engineOfRoute(policy.route(fakeRequest()))),
  );
}
