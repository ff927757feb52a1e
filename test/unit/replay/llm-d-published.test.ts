import { beforeAll, describe, expect, it } from "vitest";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import {
  LLM_D_PODS,
  llmDPod,
  llmDStages,
  llmDWorkload,
} from "../../../src/replay/published/llm-d-73.ts";
import {
  type LlmDFigures,
  publishedSchedulers,
} from "../../../src/replay/published/llm-d-schedulers.ts";
import { runLlmD } from "../../../src/replay/published/run-llm-d.ts";
import type { Workload } from "../../../src/replay/workload.ts";

describe("llm-d's workload at 73 % of capacity", () => {
  let workload: Workload;
  const ours = new Map<string, LlmDFigures>();
  beforeAll(async () => {
    workload = await llmDWorkload();
    for (const { name, entry } of publishedSchedulers) {
      ours.set(name, runLlmD(workload, llmDStages, entry));
    }
  }, 60_000);

  it("asks for 73 % of what the pods hold together", () => {
    const held = workload.blockIds * workload.blockTokens;
    expect(held / (LLM_D_PODS * llmDPod().speed.kvTokens)).toBeCloseTo(0.73, 2);
    const { pooled, infinite } = ceilingsOf(workload, LLM_D_PODS * llmDPod().speed.kvTokens);
    expect(pooled).toBeCloseTo(infinite, 6);
  });

  it("is served soonest by who knows the caches, then by who guesses, then by who does not look", () => {
    const ttft = (name: string): number => ours.get(name)?.ttftMeanS ?? NaN;
    expect(ttft("precise")).toBeLessThan(2);
    expect(ttft("approximate")).toBeGreaterThan(3 * ttft("precise"));
    expect(ttft("random")).toBeGreaterThan(1.5 * ttft("approximate"));
    expect(ttft("load only") / ttft("random")).toBeGreaterThan(0.8);
    expect(ttft("load only") / ttft("random")).toBeLessThan(1.25);
  });

  it("is answered as fast as it was there, within a quarter", () => {
    for (const { name, published } of publishedSchedulers) {
      const ratio = (ours.get(name)?.outputPerS ?? NaN) / published.outputPerS;
      expect(ratio, name).toBeGreaterThan(0.75);
      expect(ratio, name).toBeLessThan(1.25);
    }
  });
});
