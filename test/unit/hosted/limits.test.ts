import { describe, expect, it } from "vitest";
import {
  fullForMs,
  giveBack,
  hear,
  take,
  type ToldLimit,
  unknownLimits,
} from "../../../src/core/hosted/limits.ts";

const NEED = { inputTokens: 900, outputTokens: 100 };

describe("what is configured", () => {
  it("lets as many requests a minute go, and the next when the oldest is a minute old", () => {
    const state = unknownLimits();
    take(state, NEED, 0);
    take(state, NEED, 10_000);
    expect(fullForMs(state, { rpm: 3 }, NEED, 20_000)).toBe(0);
    take(state, NEED, 20_000);
    expect(fullForMs(state, { rpm: 3 }, NEED, 30_000)).toBe(30_000);
    expect(fullForMs(state, { rpm: 3 }, NEED, 60_000)).toBe(0);
  });

  it("counts input and output as tokens of a minute", () => {
    const state = unknownLimits();
    take(state, { inputTokens: 4000, outputTokens: 1000 }, 0);
    take(state, NEED, 30_000);
    expect(fullForMs(state, { tpm: 7000 }, NEED, 40_000)).toBe(0);
    expect(fullForMs(state, { tpm: 6500 }, NEED, 40_000)).toBe(20_000);
  });

  it("counts the output that came as soon as it is known", () => {
    const state = unknownLimits();
    const taken = take(state, { inputTokens: 1000, outputTokens: 5000 }, 0);
    expect(fullForMs(state, { tpm: 6000 }, NEED, 1000)).toBe(59_000);
    taken.outputTokens = 10;
    expect(fullForMs(state, { tpm: 6000 }, NEED, 1000)).toBe(0);
  });

  it("lets a request larger than the whole limit go alone", () => {
    const state = unknownLimits();
    const large = { inputTokens: 50_000, outputTokens: 0 };
    expect(fullForMs(state, { tpm: 6000 }, large, 0)).toBe(0);
    take(state, NEED, 0);
    expect(fullForMs(state, { tpm: 6000 }, large, 0)).toBe(60_000);
  });

  it("forgets a request that was never sent", () => {
    const state = unknownLimits();
    giveBack(state, take(state, NEED, 0));
    expect(fullForMs(state, { rpm: 1 }, NEED, 0)).toBe(0);
  });
});

describe("what answers tell", () => {
  it("holds until there is room for the request, as the bucket fills evenly", () => {
    const state = heard({ tokens: { limit: 10_000, remaining: 400, resetMs: 48_000 } });
    expect(fullForMs(state, undefined, NEED, 0), "600 tokens at 0.2 a ms").toBeCloseTo(3000);
    expect(fullForMs(state, undefined, NEED, 2000)).toBeCloseTo(1000);
    expect(fullForMs(state, undefined, NEED, 3000)).toBe(0);
  });

  it("comes back all at once where its size is not told", () => {
    const state = heard({ requests: { remaining: 0, resetMs: 5000 } });
    expect(fullForMs(state, undefined, NEED, 1000)).toBe(4000);
    expect(fullForMs(state, undefined, NEED, 5000)).toBe(0);
  });

  it("is believed for an hour, however late a reset it tells", () => {
    const years = 1e12;
    const state = heard({ requests: { remaining: 0, resetMs: years } });
    expect(fullForMs(state, undefined, NEED, 0)).toBe(3_600_000);
    expect(fullForMs(state, undefined, NEED, 3_600_000)).toBe(0);
    const slow = heard({ requests: { limit: 100, remaining: 0, resetMs: years } });
    expect(fullForMs(slow, undefined, NEED, 600_000)).toBe(3_000_000);
  });

  it("is less what was sent since", () => {
    const state = heard({ requests: { limit: 100, remaining: 2, resetMs: 98_000 } });
    take(state, NEED, 1);
    expect(fullForMs(state, undefined, NEED, 2)).toBe(0);
    take(state, NEED, 2);
    expect(fullForMs(state, undefined, NEED, 2)).toBeGreaterThan(900);
  });

  it("tells input and output apart where the API does", () => {
    const state = heard({ inputTokens: { limit: 1000, remaining: 0, resetMs: 1000 } });
    expect(fullForMs(state, undefined, NEED, 0)).toBe(900);
  });

  it("is not undone by a request that was sent before", () => {
    const state = unknownLimits();
    hear(state, all({ requests: { remaining: 0, resetMs: 5000 } }), 100, 200);
    hear(state, all({ requests: { remaining: 9, resetMs: 5000 } }), 50, 300);
    expect(fullForMs(state, undefined, NEED, 300)).toBe(4900);
  });

  it("stands beside what is configured: the longer wait counts", () => {
    const state = heard({ requests: { remaining: 0, resetMs: 5000 } });
    take(state, NEED, 0);
    expect(fullForMs(state, { rpm: 1 }, NEED, 0)).toBe(60_000);
    expect(fullForMs(state, { rpm: 9 }, NEED, 0)).toBe(5000);
  });
});

/** Limits that a request sent and answered at 0 told. */
function heard(told: Partial<Record<"requests" | "tokens" | "inputTokens", ToldLimit>>) {
  const state = unknownLimits();
  hear(state, all(told), 0, 0);
  return state;
}

function all(told: Partial<Record<"requests" | "tokens" | "inputTokens", ToldLimit>>) {
  return { requests: {}, tokens: {}, inputTokens: {}, outputTokens: {}, ...told };
}
