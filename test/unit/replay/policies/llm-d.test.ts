import { describe, expect, it } from "vitest";
import { type LlmDParams, llmDDefault } from "../../../../src/replay/policies/llm-d-default.ts";
import {
  kvScores,
  queueScores,
  saturation,
  unsaturated,
} from "../../../../src/replay/policies/llm-d-scores.ts";
import type { PolicySetup } from "../../../../src/replay/policy.ts";
import { type FakeSetup, REPORT, engineOfRoute, fakeRequest, fakeSetup } from "./fake-setup.ts";

const THRESHOLDS = { queueDepth: 5, kvShare: 0.8 };

describe("llm-d's scorers", () => {
  it("score queues between the longest and the shortest", () => {
    expect(queueScores([4, 1, 0])).toEqual([0, 0.75, 1]);
    expect(queueScores([3, 3])).toEqual([1, 1]);
  });

  it("score the share of KV cache that is free", () => {
    const { fleet } = fakeSetup([{ kvUsedTokens: 25_000 }, { kvUsedTokens: 200_000 }]);
    expect(kvScores(fleet.engines)).toEqual([0.75, 0]);
  });

  it("measure saturation by the worse of queue and cache, mean over engines", () => {
    const { fleet } = fakeSetup([{ kvUsedTokens: 40_000 }, { kvUsedTokens: 80_000 }]);
    // max(5/5, 0.4/0.8) and max(1/5, 0.8/0.8).
    expect(saturation(fleet.engines, [5, 1], THRESHOLDS)).toBe(1);
    // max(1/5, 0.5) and max(0, 1).
    expect(saturation(fleet.engines, [1, 0], THRESHOLDS)).toBe(0.75);
  });
});

describe("llm-d's saturation filter", () => {
  it("removes what is over a threshold, and nothing when all are", () => {
    const { fleet } = fakeSetup([{ waiting: 5 }, { waiting: 6 }, { kvUsedTokens: 81_000 }]);
    const [one, two, three] = fleet.engines;
    const left = (...engines: (typeof fleet.engines)[number][]) =>
      unsaturated(engines, ({ waiting }) => waiting, THRESHOLDS);
    if (!one || !two || !three) throw new Error("there are three engines");
    expect(left(one, two, three)).toEqual([one]);
    expect(left(two, three)).toEqual([two, three]);
  });
});

describe("llm-d-default", () => {
  it("adds queue, cache and prefix with weights 2, 2 and 3", () => {
    // Engine 0 holds 640 of 1,000: 2·0 + 2·1 + 3·0.64 = 3.92. Engine 1: 2·1 + 2·x + 0.
    const even = (kvUsedTokens: number) =>
      fakeSetup([
        { holds: 640, waiting: 2 },
        { waiting: 0, kvUsedTokens },
      ]);
    expect(first(even(3000), { prefix: "precise" })).toBe(1);
    expect(first(even(5000), { prefix: "precise" })).toBe(0);
  });

  it("believes that an engine holds what was sent there, in the first 4,096 tokens of a prompt only", () => {
    const setup = fakeSetup([{}, {}], { blockTokens: 512 });
    const policy = llmDDefault({ queueWeight: 0, kvWeight: 0 }).create(setup);
    const head = [1, 2, 3, 4, 5, 6, 7, 8];
    const prompt = (...tail: number[]) =>
      fakeRequest({ promptTokens: 20_000, prefix: [...head, ...tail] });
    const chosenFor = (...tail: number[]) =>
      new Set(Array.from({ length: 40 }, () => engineOfRoute(policy.route(prompt(...tail)))));
    setup.gauge(1, { up: false });
    expect(chosenFor(11, 12)).toEqual(new Set([0]));
    setup.gauge(1, { up: true });
    expect(chosenFor(21, 22)).toEqual(new Set([0]));
    setup.gauge(0, { up: false });
    expect(chosenFor(21, 22)).toEqual(new Set([1]));
    setup.gauge(0, { up: true });
    // Only engine 0 was sent the whole of this one, but the scorer does not look that far.
    expect(chosenFor(11, 12)).toEqual(new Set([0, 1]));
  });

  it("lets requests wait while the fleet is saturated, higher priority first", () => {
    const setup = fakeSetup([{ waiting: 5 }, { waiting: 5 }]);
    const policy = llmDDefault().create(setup);
    const [usual, urgent, later] = [
      fakeRequest(),
      fakeRequest({ priority: 1 }),
      fakeRequest({ priority: 1 }),
    ];
    for (const request of [usual, urgent, later]) expect(policy.route(request).kind).toBe("hold");
    setup.gauge(0, { waiting: 4 });
    policy.finished?.(usual, REPORT);
    expect(setup.sent).toHaveLength(1);
    setup.wait(2);
    expect(setup.sent.map(({ request }) => request)).toEqual([urgent, later, usual]);
  });

  it("lets one request at a time go when it counts what is not reported yet", () => {
    const setup = fakeSetup([{ waiting: 5 }]);
    const policy = llmDDefault({ countsUnseen: true }).create(setup);
    for (let at = 0; at < 3; at += 1) policy.route(fakeRequest());
    setup.gauge(0, { waiting: 4 });
    policy.finished?.(fakeRequest(), REPORT);
    expect(setup.sent).toHaveLength(1);
  });

  it("passes over engines that are saturated while the fleet is not, whatever they hold", () => {
    const engines = [{ waiting: 6, holds: 1000 }, { waiting: 1 }, { waiting: 2 }];
    expect(first(fakeSetup(engines), { prefix: "precise" })).toBe(1);
    expect(first(fakeSetup(engines), { prefix: "precise", flowControl: false })).toBe(0);
  });

  it("never waits without flow control", () => {
    const setup = fakeSetup([{ waiting: 500 }]);
    expect(first(setup, { flowControl: false })).toBe(0);
  });
});

function first(setup: FakeSetup | PolicySetup, params: LlmDParams): number {
  return engineOfRoute(llmDDefault(params).create(setup).route(fakeRequest()));
}
