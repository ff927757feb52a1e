import { describe, expect, it } from "vitest";
import { addPrompt, faded, promptShare } from "../../../src/core/grant/prompt-share.ts";
import type { EngineState } from "../../../src/core/grant/region-state.ts";
import { region } from "./grant-fixtures.ts";

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
