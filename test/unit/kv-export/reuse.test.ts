import { describe, expect, it } from "vitest";
import { expectedReuse } from "../../../src/core/kv-export/reuse.ts";

const DAY_MS = 86_400_000;

describe("the expected reuse of a stored state", () => {
  it("is one half that a first turn has another, and nearly sure after many", () => {
    const returns = (turns: number) => expectedReuse({ turns, gapMs: 1000 }, DAY_MS).returns;
    expect(returns(1)).toBeCloseTo(0.5);
    expect(returns(9)).toBeCloseTo(0.9);
  });

  it("is small for turns that follow at once, whose engine still holds it, and grows with the pause", () => {
    const lost = (gapMs: number) => expectedReuse({ turns: 5, gapMs }, DAY_MS).lost;
    expect(lost(100)).toBeCloseTo(0.05);
    expect(lost(600_000)).toBeCloseTo(1 - 0.95 / Math.E);
    expect(lost(60_000)).toBeLessThan(lost(600_000));
  });

  it("takes a minute between turns where no rhythm is known yet", () => {
    expect(expectedReuse({ turns: 1 }, DAY_MS)).toEqual(
      expectedReuse({ turns: 1, gapMs: 60_000 }, DAY_MS),
    );
  });

  it("is next to nothing for turns that come when the session is long forgotten", () => {
    expect(expectedReuse({ turns: 50, gapMs: 100 * DAY_MS }, DAY_MS).chance).toBeLessThan(0.011);
  });
});
