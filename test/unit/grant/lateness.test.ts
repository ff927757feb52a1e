import { describe, expect, it } from "vitest";
import { latenessMs, noLateness, observeLateness } from "../../../src/core/grant/lateness.ts";
import { seededRandom } from "../../../src/core/random.ts";

describe("what a leg takes however short its prompt", () => {
  it("is told apart from a slow engine by prompts of several lengths", () => {
    const late = noLateness();
    const random = seededRandom(1);
    for (let i = 0; i < 300; i++) {
      const modelledMs = 50 * 40 ** random();
      observeLateness(late, modelledMs, 250 + 2 * modelledMs * (0.8 + 0.4 * random()));
    }
    expect(latenessMs(late)).toBeGreaterThan(200);
    expect(latenessMs(late)).toBeLessThan(300);
  });

  it("is nothing as long as prompts do not tell", () => {
    const late = noLateness();
    for (let i = 0; i < 50; i++) observeLateness(late, 100, 300);
    expect(latenessMs(late)).toBe(0);
  });
});
