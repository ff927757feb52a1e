import { describe, expect, it } from "vitest";
import type { Usage } from "../../../src/core/leg.ts";
import { cachedFigure, resolveHandoff } from "../../../src/turn/cached-figure.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import { segmentsOf, workOf } from "../../../src/turn/segments.ts";
import { answering, coldTurn, prefilled, surroundings } from "./turn-fixtures.ts";

const PROMPT = 20_000;

/** A split turn whose decode engine tells this usage. */
async function splitTurn(told: Usage) {
  const { deps } = await surroundings(({ leg }) => (leg === "prefill" ? prefilled() : answering()));
  const turn = await coldTurn(deps);
  const tried = await tryPlacements(deps, turn, planTurn(deps, turn));
  const { result } = tried;
  if (!result.ok || result.prefill === undefined) throw new TypeError("the fixture splits");
  result.answer.usage = told;
  await resolveHandoff(deps, turn, result);
  const outcome = {
    status: "completed",
    tried,
    served: result,
    outputTokens: 5,
    outputKnown: "reported",
    endedAt: deps.now(),
  } as const;
  const cachedTokens = cachedFigure(deps, turn, result);
  const count = { promptTokens: PROMPT, cachedTokens };
  return {
    cachedTokens,
    segments: segmentsOf(deps, result, count, outcome),
    prefill: workOf(deps, turn, result.prefill),
    decode: workOf(deps, turn, result.answer),
    engines: { prefill: result.prefill.grant.engine, decode: result.answer.grant.engine },
  };
}

const usage = { promptTokens: PROMPT, outputTokens: 5 };

describe("a split whose decode engine counts all but one token as cached", () => {
  it("took what prefill had made: its own figure is not believed", async () => {
    const { cachedTokens, segments, prefill, engines } = await splitTurn({
      ...usage,
      cachedTokens: PROMPT - 1,
    });
    expect(cachedTokens).toBe(0);
    expect(segments.map(({ engine }) => engine)).toEqual([engines.prefill, engines.decode]);
    expect(prefill.outcome).toBe("served");
  });
});

describe.each([
  ["tells of less", { ...usage, cachedTokens: 4096 }, 4096],
  ["tells of nothing, though it would", usage, 0],
])("a split whose decode engine %s", (_what, told, cached) => {
  it("computed the prompt itself: prefill's work was wasted, and the receipt says so", async () => {
    const { cachedTokens, segments, prefill, decode, engines } = await splitTurn(told);
    expect(cachedTokens).toBe(cached);
    expect(new Set(segments.map(({ engine }) => engine))).toEqual(new Set([engines.decode]));
    expect(segments[0]?.reason).toContain("was gone");
    expect(prefill).toMatchObject({ outcome: "failed", why: expect.stringContaining("gone") });
    expect(decode).toMatchObject({ cachedTokens: cached, computedTokens: PROMPT - cached });
  });
});
