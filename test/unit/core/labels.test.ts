import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/core/fleet.ts";
import { classify, formatLabels, parseLabelOverride } from "../../../src/core/labels.ts";

const labels = { mediumFrom: 4096, longFrom: 32768, ultraFrom: 262144, smallUpToParams: 9e9 };
const request = {
  fleet: { labels },
  model: { params: 70e9 } as Model,
  promptTokens: 1000,
  uncachedTokens: 1000,
  expectedOutputTokens: 500,
};

describe("classify", () => {
  it("weighs uncached prompt tokens against expected output", () => {
    const phase = (uncachedTokens: number) => classify({ ...request, uncachedTokens }).phase;
    expect([499, 500, 4000, 4001].map(phase)).toEqual([
      "decode-heavy",
      "balanced",
      "balanced",
      "prefill-heavy",
    ]);
  });

  it("measures context by the fleet's thresholds, cached or not", () => {
    const context = (promptTokens: number) => classify({ ...request, promptTokens }).context;
    expect([4095, 4096, 32768, 262144].map(context)).toEqual(["short", "medium", "long", "ultra"]);
  });

  it("is interactive unless the service tier is flex", () => {
    expect(classify(request).urgency).toBe("interactive");
    expect(classify({ ...request, serviceTier: "priority" }).urgency).toBe("interactive");
    expect(classify({ ...request, serviceTier: "flex" }).urgency).toBe("batch");
  });

  it("is as urgent as the tenant's requests are when the tier leaves it open", () => {
    const batch = { ...request, tenantUrgency: "batch" } as const;
    expect(classify(batch).urgency).toBe("batch");
    for (const serviceTier of ["auto", "default", "made-up"]) {
      expect(classify({ ...batch, serviceTier }).urgency).toBe("batch");
      expect(classify({ ...request, serviceTier }).urgency).toBe("interactive");
    }
    expect(classify({ ...batch, serviceTier: "priority" }).urgency).toBe("interactive");
  });

  it("reads size from the model", () => {
    expect(classify(request).size).toBe("large");
    expect(classify({ ...request, model: { params: 8e9 } as Model }).size).toBe("small");
  });
});

describe("parseLabelOverride", () => {
  it("reads any of the axes", () => {
    expect(parseLabelOverride(" phase=prefill-heavy,urgency = batch ")).toEqual({
      ok: true,
      labels: { phase: "prefill-heavy", urgency: "batch" },
    });
    expect(parseLabelOverride("")).toEqual({ ok: true, labels: {} });
  });

  it("names the values an axis has", () => {
    const answer = parseLabelOverride("urgency=soon");
    expect(answer).toMatchObject({
      ok: false,
      message: expect.stringMatching(/interactive, batch.*`soon`/),
    });
    expect(parseLabelOverride("place=EU!")).toMatchObject({
      ok: false,
      message: expect.stringContaining("edge-bound"),
    });
  });

  it("names the axes there are", () => {
    expect(parseLabelOverride("speed=fast")).toMatchObject({
      ok: false,
      message: expect.stringMatching(/`speed`.*phase, context, urgency, size, place/),
    });
    expect(parseLabelOverride("constructor=x").ok).toBe(false);
  });

  it.each(["anywhere", "edge-bound", "edge-bound:use1", "eu"])("takes %s as a place", (place) => {
    expect(parseLabelOverride(`place=${place}`)).toEqual({ ok: true, labels: { place } });
  });

  it("reads back what formatLabels writes", () => {
    const all = { ...classify(request), place: "edge-bound:use1" };
    expect(parseLabelOverride(formatLabels(all))).toEqual({ ok: true, labels: all });
  });
});
