import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.ts";
import {
  type DynamoLoad,
  type DynamoWeights,
  dynamoCost,
  dynamoDraw,
} from "../../../../src/replay/policies/dynamo-cost.ts";
import { dynamoKv } from "../../../../src/replay/policies/dynamo-kv.ts";
import { REPORT, counted, engineOfRoute, fakeRequest, fakeSetup } from "./fake-setup.ts";

const LOAD: DynamoLoad = {
  activePrefillTokens: 3200,
  leastActivePrefillTokens: 1600,
  promptTokens: 1600,
  cachedTokens: 800,
  decodeBlocks: 40,
  activeRequests: 3,
  blockTokens: 16,
};
const WEIGHTS: DynamoWeights = {
  overlapScoreCredit: 1,
  overlapCreditDecay: 0,
  prefillLoadScale: 1,
  activeRequestWeight: 0,
  formula: "sum",
};

describe("Dynamo's cost", () => {
  it("is the blocks to prefill, less those cached, and the blocks that decode", () => {
    // (3200 + 1600) / 16 = 300 blocks, 50 of them cached, 40 decoding.
    expect(dynamoCost(LOAD, WEIGHTS)).toBe(300 - 50 + 40);
  });

  it("gives less credit to what is cached where more waits than elsewhere", () => {
    // 1600 tokens more than the least loaded are 100 blocks, as many as the request has: credit 50 / (1 + 1 × 1).
    expect(dynamoCost(LOAD, { ...WEIGHTS, overlapCreditDecay: 1 })).toBe(300 - 25 + 40);
  });

  it("scales prefill and adds requests when told to", () => {
    const weights = { ...WEIGHTS, prefillLoadScale: 2, activeRequestWeight: 5 };
    expect(dynamoCost(LOAD, weights)).toBe(2 * 250 + 40 + 15);
  });

  it("never counts a prefill below nothing", () => {
    expect(dynamoCost(LOAD, { ...WEIGHTS, overlapScoreCredit: 100 })).toBe(40);
  });

  it("multiplies instead of adding in its lmetric form", () => {
    expect(dynamoCost(LOAD, { ...WEIGHTS, formula: "lmetric" })).toBe(250 * 41);
  });
});

describe("Dynamo's draw", () => {
  it("takes the lowest cost at temperature 0, ties by chance", () => {
    const random = seededRandom(1);
    const drawn = Array.from({ length: 1000 }, () => dynamoDraw([5, 3, 3, 9], 0, random));
    const counts = counted(drawn);
    expect(Object.keys(counts)).toEqual(["1", "2"]);
    expect(Math.abs((counts[1] ?? 0) - 500)).toBeLessThan(60);
  });

  it("weighs costs rescaled to their range by softmax above it", () => {
    const random = seededRandom(2);
    const drawn = Array.from({ length: 20_000 }, () => dynamoDraw([0, 5, 10], 0.5, random));
    const counts = counted(drawn);
    const weights = [1, Math.exp(-1), Math.exp(-2)];
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [engine, weight] of weights.entries())
      expect(Math.abs((counts[engine] ?? 0) / 20_000 - weight / sum)).toBeLessThan(0.015);
  });
});

describe("dynamo-kv", () => {
  it("weighs what an engine holds against what waits and decodes there", () => {
    // 1000 tokens: 62.5 + 0 − 50 + 20 = 32.5 at engine 0, 62.5 at 1, 62.5 − 50 + 60 at 2.
    const setup = fakeSetup([
      { holds: 800, kvUsedTokens: 320 },
      {},
      { holds: 800, queuedTokens: 960 },
    ]);
    expect(engineOfRoute(dynamoKv().create(setup).route(fakeRequest()))).toBe(0);
  });

  it("counts waiting requests among those that hold KV cache, as its tracker does", () => {
    // 60 blocks to prefill at each; at engine 0 all of them wait too, at engine 1 half are being computed.
    const busy = (waiting: number, running: number) => ({ queuedTokens: 960, waiting, running });
    const setup = fakeSetup([busy(2, 0), { ...busy(1, 1), kvUsedTokens: 470 }]);
    // 60 + 60 + 62.5 × 2 against 60 + 29.4 + 30 + 62.5 × 2.
    expect(engineOfRoute(dynamoKv().create(setup).route(fakeRequest()))).toBe(1);
    setup.gauge(1, { kvUsedTokens: 490 });
    expect(engineOfRoute(dynamoKv().create(setup).route(fakeRequest()))).toBe(0);
  });

  it("lets requests wait while every engine has more than the threshold to prefill", () => {
    const setup = fakeSetup([{ queuedTokens: 4001 }, { queuedTokens: 4001 }]);
    const policy = dynamoKv().create(setup);
    expect(policy.route(fakeRequest()).kind).toBe("hold");
    setup.gauge(1, { queuedTokens: 4000 });
    policy.firstToken?.(fakeRequest(), REPORT);
    expect(setup.sent.map(({ route }) => engineOfRoute(route))).toEqual([1]);
  });

  it("looks at its queue by itself when nobody reports", () => {
    const setup = fakeSetup([{ queuedTokens: 4001 }]);
    const policy = dynamoKv({ recheckMs: 50 }).create(setup);
    policy.route(fakeRequest());
    setup.wait(200);
    expect(setup.sent).toHaveLength(0);
    setup.gauge(0, { queuedTokens: 0 });
    setup.wait(50);
    expect(setup.sent).toHaveLength(1);
  });

  it.each([
    ["wspt", [300, 1000, 2000]],
    ["fcfs", [2000, 300, 1000]],
    ["lcfs", [1000, 300, 2000]],
  ] as const)("lets the queue go in the order of %s", (queuePolicy, order) => {
    const setup = fakeSetup([{ queuedTokens: 1e6 }]);
    const policy = dynamoKv({ queuePolicy }).create(setup);
    for (const [at, promptTokens] of [2000, 300, 1000].entries())
      policy.route(fakeRequest({ promptTokens, atMs: at * 1000 }));
    setup.gauge(0, { queuedTokens: 0 });
    policy.finished?.(fakeRequest(), REPORT);
    expect(setup.sent.map(({ request }) => request.promptTokens)).toEqual(order);
  });

  it("orders by uncached tokens where they are cached best, and by weight", () => {
    // 1000 − 900 = 100 tokens against 300; then weight 6 over 1200 against 1 over 300.
    const setup = fakeSetup([{ queuedTokens: 1e6 }, { queuedTokens: 1e6, holds: 900 }]);
    const policy = dynamoKv().create(setup);
    const prompts = [
      fakeRequest({ promptTokens: 1200 }),
      fakeRequest({ promptTokens: 1000 }),
      fakeRequest({ promptTokens: 2100, priority: 5 }),
    ];
    for (const request of prompts) policy.route(request);
    setup.gauge(0, { queuedTokens: 0 });
    policy.finished?.(fakeRequest(), REPORT);
    // Keys: 1/300, 1/100, 6/1200.
    expect(setup.sent.map(({ request }) => request.promptTokens)).toEqual([1000, 2100, 1200]);
  });

  it("fills engines up to the threshold with what it sends itself, then waits", () => {
    const setup = fakeSetup([{}, {}], { ageMs: 1000 });
    const policy = dynamoKv({ queueThreshold: 2 }).create(setup);
    const kinds = Array.from({ length: 8 }, () => policy.route(fakeRequest()).kind);
    expect(kinds).toEqual([...Array(6).fill("send"), "hold", "hold"]);
  });
});
