import { describe, expect, it } from "vitest";
import {
  firstTokenLine,
  nothingObserved,
  observeFirst,
  observeStep,
  stepMsOf,
} from "../../../src/core/hosted/observed.ts";

const DEVICE = { baseMs: 50, msPerToken: 0.1 };
const HOUR_MS = 3_600_000;

describe("the time to a first token", () => {
  it("is the device's business before anything was seen", () => {
    expect(firstTokenLine(nothingObserved(), DEVICE, 0)).toBeUndefined();
  });

  it("comes to be what was seen of prompts of several lengths: a wait, and so much per token", () => {
    const observed = nothingObserved();
    for (let i = 0; i < 40; i += 1) {
      const tokens = 500 + ((i * 3700) % 20_000);
      observeFirst(observed, tokens, 400 + 0.5 * tokens, i * 1000);
    }
    const line = firstTokenLine(observed, DEVICE, 40_000);
    expect(line?.baseMs).toBeGreaterThan(300);
    expect(line?.baseMs).toBeLessThan(450);
    expect(line?.msPerToken).toBeCloseTo(0.5, 1);
  });

  it("follows a queue that grows, though every prompt is of the same length", () => {
    const observed = nothingObserved();
    for (let i = 0; i < 20; i += 1) observeFirst(observed, 1000, 2000, i * 1000);
    const line = firstTokenLine(observed, DEVICE, 20_000);
    const predicted = (line?.baseMs ?? 0) + 1000 * (line?.msPerToken ?? 0);
    expect(predicted).toBeGreaterThan(1900);
    expect(predicted).toBeLessThan(2000);
  });

  it("never falls with the length of the prompt", () => {
    const observed = nothingObserved();
    for (let i = 0; i < 20; i += 1) {
      observeFirst(observed, 10_000, 100, i);
      observeFirst(observed, 10, 5000, i);
    }
    expect(firstTokenLine(observed, DEVICE, 20)?.msPerToken).toBe(0);
  });

  it("fades, so that an API that was slow once is tried again", () => {
    const observed = nothingObserved();
    for (let i = 0; i < 10; i += 1) observeFirst(observed, 1000, 60_000, i);
    expect(firstTokenLine(observed, DEVICE, 10)?.baseMs).toBeGreaterThan(30_000);
    expect(firstTokenLine(observed, DEVICE, 2 * HOUR_MS)?.baseMs).toBeCloseTo(DEVICE.baseMs, -1);
  });
});

describe("the time from token to token", () => {
  it("is the device's, then comes to be what was seen, and fades", () => {
    const observed = nothingObserved();
    expect(stepMsOf(observed, 20, 0)).toBe(20);
    for (let i = 0; i < 20; i += 1) observeStep(observed, 5, i);
    expect(stepMsOf(observed, 20, 20)).toBeCloseTo(5.3, 0);
    expect(stepMsOf(observed, 20, 2 * HOUR_MS)).toBeCloseTo(20, 1);
  });
});
