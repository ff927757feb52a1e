import { describe, expect, it } from "vitest";
import { alwaysSplit } from "../../../../src/replay/policies/always-split.ts";
import { dynamoConditional } from "../../../../src/replay/policies/dynamo-conditional.ts";
import { neverSplit } from "../../../../src/replay/policies/never-split.ts";
import { splitAbove } from "../../../../src/replay/policies/split-above.ts";
import type { PolicyEntry } from "../../../../src/replay/policy.ts";
import { type FakeEngine, fakeRequest, fakeSetup } from "./fake-setup.ts";

const P: FakeEngine = { roles: ["prefill"] };
const D: FakeEngine = { roles: ["decode"] };
const LINKED = { pullMsPerToken: 0.01 };

describe("fixed rules of disaggregation", () => {
  it("always split: prefill at the lowest queue, prefill and handoff, decode at the best scores", () => {
    const setup = fakeSetup(
      [
        { ...P, queuedMs: 500, holds: 800 },
        { ...P, queuedMs: 100 },
        { ...D, waiting: 3 },
        { ...D, waiting: 1 },
      ],
      LINKED,
    );
    // 500 + 200 against 100 + 1000.
    expect(alwaysSplit().create(setup).route(fakeRequest())).toEqual({
      kind: "send",
      engine: 3,
      prefill: 0,
    });
  });

  it("never split: an engine that decodes takes all of it", () => {
    const setup = fakeSetup([P, { ...D, queuedMs: 50 }, D], LINKED);
    expect(neverSplit().create(setup).route(fakeRequest())).toEqual({ kind: "send", engine: 2 });
  });

  it("split above a number of tokens that are not cached where they are decoded", () => {
    const route = (holds: number) => splits(splitAbove(), 1000, holds);
    expect(route(488)).toBe(true);
    expect(route(489)).toBe(false);
  });

  it.each([
    // Uncached tokens, prompt, is it split: bypassed only when under 2048 and under 0.7 of the prompt.
    [2047, 4000, false],
    [2048, 4000, true],
    [700, 1000, true],
    [699, 1000, false],
    [1500, 1600, true],
  ] as const)("Dynamo splits %i uncached of %i tokens: %s", (uncached, prompt, isSplit) => {
    expect(splits(dynamoConditional(), prompt, prompt - uncached)).toBe(isSplit);
  });

  it("split whatever they think when the engine that decodes cannot prefill", () => {
    const setup = fakeSetup([P, { ...D, prefillsAtDecode: false, holds: 999 }], LINKED);
    expect(splitAbove().create(setup).route(fakeRequest())).toMatchObject({ prefill: 0 });
    expect(neverSplit().create(setup).route(fakeRequest()).kind).toBe("refuse");
  });

  it("do not split over a link that is not there", () => {
    const setup = fakeSetup([P, D]);
    expect(alwaysSplit().create(setup).route(fakeRequest())).toEqual({ kind: "send", engine: 1 });
  });
});

function splits(entry: PolicyEntry, promptTokens: number, holds: number): boolean {
  const setup = fakeSetup([P, { ...D, holds }], LINKED);
  const route = entry.create(setup).route(fakeRequest({ promptTokens }));
  return route.kind === "send" && route.prefill !== undefined;
}
