import { describe, expect, it } from "vitest";
import { encodeWorkOf } from "../../../src/turn/encode-work.ts";
import type { LegRun } from "../../../src/turn/legs.ts";

/** What a receipt says of who encoded for a leg that came out so. */
function encoding(change: Partial<LegRun>) {
  const grant = {
    ticket: "t",
    engine: "d/0",
    pool: "d",
    startAt: 0,
    heldTokens: 0,
    prefillMs: 1,
    stepMs: 1,
    reason: "",
  };
  return encodeWorkOf({ leg: "both", grant, requestId: "req_1", startedAt: 10, ...change });
}

describe("engines that encode for a leg", () => {
  it("are assumed to have done so when it answers, each once", () => {
    const served = { requestId: "req_1", leg: "encode", outcome: "served", known: "assumed" };
    expect(encoding({ encoders: ["e/0", "e/1"], firstTokenAt: 40, endedAt: 90 })).toEqual([
      { engine: "e/0", ...served, startedAt: 10, endedAt: 40 },
      { engine: "e/1", ...served, startedAt: 10, endedAt: 40 },
    ]);
    expect(encoding({ encoders: ["e/0"], outcome: "served", endedAt: 90 })).toMatchObject([
      { outcome: "served", endedAt: 90 },
    ]);
  });

  it("have failed when it says so, one of several for all that is known", () => {
    const failed = { outcome: "cancelled", isUnencoded: true } as const;
    const [only] = encoding({ encoders: ["e/0"], ...failed });
    expect(only).toMatchObject({ outcome: "failed" });
    expect(only).not.toHaveProperty("known");
    for (const one of encoding({ encoders: ["e/0", "e/1"], ...failed }))
      expect(one).toMatchObject({ outcome: "failed", known: "assumed" });
  });

  it("have worked for nothing when it gave no answer", () => {
    expect(encoding({ encoders: ["e/0"], outcome: "failed" })).toMatchObject([
      { outcome: "cancelled", known: "assumed" },
    ]);
  });

  it("are none where it showed nothing", () => {
    expect(encoding({ outcome: "served" })).toEqual([]);
  });
});
