import { describe, expect, it } from "vitest";
import { Residency } from "../../../src/replay/phaseway/residency.ts";
import type { ReplayRequest } from "../../../src/replay/policy.ts";

const prompt = (...blocks: number[]): ReplayRequest => ({
  index: 0,
  atMs: 0,
  edge: 0,
  region: "here",
  model: "m",
  promptTokens: blocks.length * 64 + 1,
  expectedOutputTokens: 1,
  blocks: Int32Array.from(blocks),
  session: 7,
  turn: 0,
  tenant: 0,
  priority: 0,
});

describe("what a session knows of its prefix", () => {
  it("is as much as a prompt has in common with what the engine was sent", () => {
    const residency = new Residency(64);
    residency.ended(prompt(1, 2, 3), ["a"]);
    residency.ended(prompt(1, 2, 4, 5), ["b"]);
    expect(residency.of(prompt(1, 2, 4, 6))).toEqual({ a: 128, b: 192 });
    expect(residency.of(prompt(9))).toEqual({ a: 0, b: 0 });
  });

  it("tells where earlier prompts ended, as far as it goes on from them", () => {
    const residency = new Residency(64);
    residency.ended(prompt(1, 2), ["a"]);
    residency.ended(prompt(1, 2, 3, 4, 5), ["a"]);
    expect(residency.endsIn(prompt(1, 2, 3, 4, 5, 6))).toEqual([2, 5]);
    expect(residency.endsIn(prompt(1, 2, 3, 8))).toEqual([2]);
  });

  it("is nothing of a session that never ended a turn", () => {
    expect(new Residency(64).of(prompt(1))).toEqual({});
  });
});
