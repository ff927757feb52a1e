import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../../src/engines/load/retry-after.ts";

const NOW = Date.parse("2026-11-23T14:00:00Z");
const read = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), NOW);

describe("retryAfterMs", () => {
  it.each([
    ["3", 3000],
    [" 120 ", 120_000],
    ["0.5", 500],
    ["Mon, 23 Nov 2026 14:00:09 GMT", 9000],
  ])("reads %s", (told, ms) => {
    expect(read({ "retry-after": told })).toBe(ms);
  });

  it("reads a date by the clock of who wrote it", () => {
    const date = "Mon, 23 Nov 2026 13:30:00 GMT";
    expect(read({ "retry-after": "Mon, 23 Nov 2026 13:30:04 GMT", date })).toBe(4000);
  });

  it.each(["", "0", "-5", "soon", "NaN", "Mon, 23 Nov 2026 13:59:00 GMT"])(
    "takes %j for nothing",
    (told) => {
      expect(read({ "retry-after": told })).toBeUndefined();
    },
  );

  it("prefers what is told in milliseconds, where that is a time", () => {
    expect(read({ "retry-after": "3", "retry-after-ms": "2250" })).toBe(2250);
    expect(read({ "retry-after": "3", "retry-after-ms": "soon" })).toBe(3000);
    expect(read({ "retry-after-ms": "0" })).toBeUndefined();
  });

  it("knows nothing of answers that do not say", () => {
    expect(read({})).toBeUndefined();
  });

  it.each(["Infinity", "1e99", "Sat, 01 Jan 2999 00:00:00 GMT"])(
    "does not leave an engine alone for longer than a day: %s",
    (told) => {
      expect(read({ "retry-after": told })).toBe(24 * 3600 * 1000);
    },
  );
});
