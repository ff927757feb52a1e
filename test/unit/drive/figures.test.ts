import { describe, expect, it } from "vitest";
import { poolLoads, worstLoad } from "../../../src/drive/loads.ts";
import { BlockLog } from "../../../src/drive/pooled-lru.ts";
import { prefilledAwayShare } from "../../../src/drive/prefilled-away.ts";
import type { LedgerEntry } from "../../../src/drive/reconcile.ts";
import { SessionsSeen } from "../../../src/drive/sessions-seen.ts";

describe("the pooled cache", () => {
  it("finds what was asked and answered before, but never the last token", () => {
    const log = new BlockLog();
    log.asked({ hashes: ["a", "b"], tokens: 32 });
    log.answered({ hashes: ["a", "b", "c"], tokens: 32 });
    log.asked({ hashes: ["a", "b", "c"], tokens: 48 });
    expect(log.hitRate(100)).toBeCloseTo(32 / 80);
  });

  it("loses what was used longest ago, from its end", () => {
    const log = new BlockLog();
    log.asked({ hashes: ["a", "b", "c"], tokens: 50 });
    log.asked({ hashes: ["x", "y"], tokens: 34 });
    log.asked({ hashes: ["a", "b", "c"], tokens: 50 });
    expect(log.hitRate(5)).toBeCloseTo(48 / 134);
    expect(log.hitRate(4)).toBeCloseTo(32 / 134);
    expect(log.hitRate(2)).toBe(0);
  });

  it("has no rate when nothing was asked", () => {
    expect(new BlockLog().hitRate(10)).toBeNull();
  });
});

describe("loads", () => {
  it("count engines of a pool that were never asked, and leave pools with hardly any traffic out", () => {
    const loads = poolLoads(
      new Map([
        ["busy/0", entries(60)],
        ["busy/1", entries(40)],
        ["quiet/0", entries(2)],
        ["quiet/1", []],
        ["never/0", []],
      ]),
    );
    expect(Object.keys(loads)).toEqual(["busy", "quiet"]);
    expect(loads["quiet"]).toMatchObject({ requests_max_over_mean: 2, counted: false });
    expect(worstLoad(loads, "requests_max_over_mean")).toBeCloseTo(1.2);
  });
});

describe("the share prefilled away", () => {
  it("is of computed prompt tokens, those of prefill legs", () => {
    const legs = [
      { leg: "prefill", computedTokens: 30 },
      { leg: "decode", computedTokens: 1 },
      { leg: "both", computedTokens: 69 },
    ];
    expect(prefilledAwayShare(legs)).toBeCloseTo(0.3);
    expect(prefilledAwayShare([{ leg: "both" }])).toBeNull();
  });
});

describe("sessions seen", () => {
  it("tell conversations that parted from those that were taken for one", () => {
    const seen = new SessionsSeen();
    for (const conversation of ["a", "b"]) seen.saw("ses_1", conversation, 0);
    seen.saw("ses_1", "a", 1);
    seen.saw("ses_1.1", "b", 1);
    seen.saw("ses_2", "c", 0);
    expect(seen.counts()).toEqual({ sessions: 2, session_branches: 3, sessions_mixed: 0 });
    seen.saw("ses_2", "b", 2);
    expect(seen.counts()).toMatchObject({ sessions_mixed: 1 });
  });
});

function entries(count: number): LedgerEntry[] {
  return Array.from({ length: count }, (_, n) => ({
    requestId: `r${n}`,
    leg: "both",
    promptTokens: 10,
    cachedTokens: 0,
    computedTokens: 10,
    outputTokens: 1,
    reportedUsage: true,
  }));
}
