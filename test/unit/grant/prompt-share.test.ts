import { describe, expect, it } from "vitest";
import { addPrompt, faded, promptShare } from "../../../src/core/grant/prompt-share.ts";
import type { EngineState } from "../../../src/core/grant/region-state.ts";
import { released } from "../../../src/core/grant/report.ts";
import { granted, grantAsk, region } from "./grant-fixtures.ts";

describe("the share of an engine's time that prompts take", () => {
  it("is what they were granted, where they come steadily", () => {
    const engine = anEngine();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 20) addPrompt(engine, 8, nowMs);
    expect(promptShare(engine, 10_000)).toBeCloseTo(0.4, 1);
  });

  it("is over 1 where they come faster than they are computed, and none some time after the last", () => {
    const engine = anEngine();
    for (let n = 0; n < 10; n++) addPrompt(engine, 200, 1000);
    expect(promptShare(engine, 1000)).toBeGreaterThan(1);
    expect(promptShare(engine, 6000)).toBeLessThan(0.001);
  });

  it("is as if a prompt had not come that was given back before it began", () => {
    const state = region({ engineCount: 1 });
    const [engine] = state.pools.get("h200")?.engines ?? [];
    if (engine === undefined) throw new TypeError("the pool has no engine");
    const first = granted(state, grantAsk(), 0);
    expect(first.promptShare).toBe(0);
    const second = granted(state, grantAsk(), 100);
    expect(second.promptShare).toBeGreaterThan(0.1);
    released(state, second.ticket, 150);
    released(state, first.ticket, 200);
    expect(promptShare(engine, 200)).toBeCloseTo(0, 9);
  });

  it("tells less of now the longer ago it was seen", () => {
    expect(faded(0.8, 0)).toBe(0.8);
    expect(faded(0.8, -5)).toBe(0.8);
    expect(faded(0.8, 1000)).toBeLessThan(0.2);
  });
});

function anEngine(): EngineState {
  const engine = region({ engineCount: 1 }).pools.get("h200")?.engines[0];
  if (engine === undefined) throw new TypeError("the pool has no engine");
  return engine;
}
