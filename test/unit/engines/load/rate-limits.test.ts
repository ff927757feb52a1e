import { describe, expect, it } from "vitest";
import { readRateLimits } from "../../../../src/engines/load/rate-limits.ts";

const NOW = Date.parse("2026-11-23T14:00:00Z");
const read = (headers: Record<string, string>) => readRateLimits(new Headers(headers), NOW);

describe("the rate limits of a hosted API", () => {
  it("are read by OpenAI's names", () => {
    const told = read({
      "x-ratelimit-limit-requests": "5000",
      "x-ratelimit-remaining-requests": "4999",
      "x-ratelimit-reset-requests": "12ms",
      "x-ratelimit-limit-tokens": "160000",
      "x-ratelimit-remaining-tokens": "149984",
      "x-ratelimit-reset-tokens": "6m0s",
    });
    expect(told).toEqual({
      requests: { limit: 5000, remaining: 4999, resetMs: 12 },
      tokens: { limit: 160_000, remaining: 149_984, resetMs: 360_000 },
      inputTokens: {},
      outputTokens: {},
    });
  });

  it("are read by Anthropic's names, with times by its own clock", () => {
    const told = read({
      date: "Mon, 23 Nov 2026 13:30:00 GMT",
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-23T13:30:02Z",
      "anthropic-ratelimit-input-tokens-limit": "30000",
      "anthropic-ratelimit-input-tokens-remaining": "29000",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-23T13:29:00Z",
      "anthropic-ratelimit-output-tokens-limit": "8000",
    });
    expect(told).toEqual({
      requests: { limit: 50, remaining: 0, resetMs: 2000 },
      tokens: {},
      inputTokens: { limit: 30_000, remaining: 29_000, resetMs: 0 },
      outputTokens: { limit: 8000 },
    });
  });

  it.each([
    ["1s", 1000],
    ["20ms", 20],
    ["0s", 0],
    ["2m52.8s", 172_800],
    ["1h30m", 5_400_000],
    ["1d2h", 93_600_000],
    ["500us", 0.5],
    ["7", 7000],
    ["7.66", 7660],
    [String(NOW + 5000), 5000],
    [String(NOW / 1000 + 5), 5000],
    ["2026-11-23T15:00:30+01:00", 30_000],
  ])("are there again after %s", (told, ms) => {
    expect(read({ "x-ratelimit-reset-tokens": told }).tokens.resetMs).toBeCloseTo(ms);
  });

  it.each(["", "soon", "5 apples", "1x", "-3", "6m0", "NaN", "Infinity"])(
    "are there again nobody knows when after %j",
    (told) => {
      expect(read({ "x-ratelimit-reset-tokens": told }).tokens).toEqual({});
    },
  );

  it("have nothing left where more was taken than there was", () => {
    expect(read({ "x-ratelimit-remaining-tokens": "-27689" }).tokens.remaining).toBe(0);
  });

  it.each(["", "many", "1.5", "0x10", "1e3"])("are unknown where %j is told, never 0", (told) => {
    expect(read({ "x-ratelimit-limit-requests": told }).requests).toEqual({});
  });
});
