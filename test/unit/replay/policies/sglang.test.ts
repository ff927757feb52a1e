import { describe, expect, it } from "vitest";
import {
  type SglangParams,
  sglangCacheAware,
} from "../../../../src/replay/policies/sglang-cache-aware.ts";
import { type FakeSetup, engineOfRoute, fakeRequest, fakeSetup } from "./fake-setup.ts";

/** 16-token blocks; prompts of 160 tokens are ten. */
const KNOWN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

describe("sglang-cache-aware", () => {
  it("follows a match of more than the threshold's share of the prompt", () => {
    // 4 of 10 blocks: 0.4 of the prompt is more than 0.3.
    const setup = fakeSetup([{ running: 5 }, {}, {}]);
    expect(after(setup, {}, [1, 2, 3, 4, 50, 51, 52, 53, 54, 55])).toBe(0);
  });

  it("takes the fewest requests when the match is exactly the threshold's share", () => {
    const setup = fakeSetup([{ running: 5 }, {}, { running: 5 }]);
    expect(after(setup, { cacheThreshold: 0.4 }, [1, 2, 3, 4, 50, 51, 52, 53, 54, 55])).toBe(1);
  });

  it("takes the fewest requests when loads differ by more than both thresholds", () => {
    const busy = fakeSetup([{ running: 65 }, {}, { running: 10 }]);
    expect(after(busy, {}, KNOWN)).toBe(1);
  });

  it("still follows the match while loads differ by the absolute threshold only", () => {
    // 300 is not more than 1.5 times 200, though 100 more.
    const setup = fakeSetup([{ running: 300 }, { running: 200 }, { running: 250 }]);
    expect(after(setup, {}, KNOWN)).toBe(0);
  });

  it("still follows the match while loads differ by the relative threshold only", () => {
    const setup = fakeSetup([{ running: 64 }, {}, {}]);
    expect(after(setup, {}, KNOWN)).toBe(0);
  });

  it("remembers what it sent away from the match too", () => {
    const setup = fakeSetup([{}, {}]);
    const policy = sglangCacheAware().create(setup);
    setup.gauge(1, { up: false });
    policy.route(request(KNOWN));
    setup.gauge(1, { up: true });
    setup.gauge(0, { running: 100 });
    setup.wait(1);
    expect(engineOfRoute(policy.route(request(KNOWN)))).toBe(1);
    setup.gauge(0, { running: 9 });
    setup.gauge(1, { running: 50 });
    setup.wait(1);
    const third = Array.from({ length: 20 }, () => engineOfRoute(policy.route(request(KNOWN))));
    expect(new Set(third)).toEqual(new Set([0, 1]));
  });
});

/** Where a prompt goes once engine 0 has been sent `KNOWN`. */
function after(setup: FakeSetup, params: SglangParams, prefix: readonly number[]): number {
  const policy = sglangCacheAware(params).create(setup);
  setup.gauge(1, { up: false });
  setup.gauge(2, { up: false });
  policy.route(request(KNOWN));
  setup.gauge(1, { up: true });
  setup.gauge(2, { up: true });
  setup.wait(1);
  return engineOfRoute(policy.route(request(prefix)));
}

function request(prefix: readonly number[]) {
  return fakeRequest({ promptTokens: 160, prefix: [...prefix] });
}
