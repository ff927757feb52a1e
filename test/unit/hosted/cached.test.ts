import { expect, it } from "vitest";
import { cachedTokens } from "../../../src/core/hosted/cached.ts";
import { pool } from "../plan/plan-fixtures.ts";

const MINUTE_MS = 60_000;

it.each([
  [1023, 0],
  [1024, 1024],
  [1151, 1024],
  [1152, 1152],
  [20_000, 19_968],
])("a hosted pool caches of a prefix of %i tokens %i, as OpenAI does", (sent, cached) => {
  expect(cachedTokens(pool("hosted"), sent, 0)).toBe(cached);
});

it("has forgotten them after five minutes", () => {
  expect(cachedTokens(pool("hosted"), 2048, 5 * MINUTE_MS)).toBe(2048);
  expect(cachedTokens(pool("hosted"), 2048, 5 * MINUTE_MS + 1)).toBe(0);
});

it("keeps to what its pool says of its provider", () => {
  const other = pool("hosted", { cacheTtlS: 3600, cacheMinTokens: 4096, cacheStepTokens: 1 });
  expect(cachedTokens(other, 4095, 0)).toBe(0);
  expect(cachedTokens(other, 5001, 59 * MINUTE_MS)).toBe(5001);
});
