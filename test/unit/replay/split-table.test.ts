import { describe, expect, it } from "vitest";
import {
  isWon,
  splitLine,
  type SplitRow,
  splitSummary,
} from "../../../src/replay/campaign/split-table.ts";

describe("our decision against the fixed rules", () => {
  const row = (values: Record<string, number>): SplitRow => ({
    trace: "/far/away/some_trace.jsonl",
    sight: "stale",
    measure: "TTFT s at 0.8",
    values: new Map(Object.entries(values)),
  });

  it("has won where it is less than every one of them", () => {
    expect(isWon(row({ phaseway: 1, "never-split": 2, "always-split": Infinity }))).toBe(true);
    expect(isWon(row({ phaseway: 2, "never-split": 2 }))).toBe(false);
    expect(isWon(row({ phaseway: Infinity, "never-split": Infinity }))).toBe(false);
    expect(isWon(row({ "never-split": 2 }))).toBe(false);
  });

  it("is told with the best rule first", () => {
    const lost = row({ phaseway: 2, "never-split": Infinity, "split-above": 1.5 });
    expect(splitLine(lost)).toBe(
      "LOST some_trace, stale, TTFT s at 0.8: ours 2.00; split-above 1.50, never-split never",
    );
    expect(splitSummary([lost, row({ phaseway: 1, "never-split": 2 })])).toBe(
      "simulated: 1 of 2 won",
    );
  });
});
