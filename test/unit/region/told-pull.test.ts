import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { byObject, reserveAsk } from "./fake-region.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a region hears what came of a pull", () => {
  it.each([
    ["how much of the prompt there was with it", { tokens: 50, bytes: 9, ms: 3 }, { share: 0.5 }],
    ["what was there already", { tokens: 0, bytes: 0, ms: 1 }, { share: 0.4 }],
    ["that nothing came", { failed: "gone" }, { share: 0.4, why: "failed" }],
    ["that its engine would not", "refused", { share: 0.4, why: "refused" }],
  ] as const)("%s", async (_, fetched, pulled) => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk());
    const usage = { promptTokens: 100, outputTokens: 4, cachedTokens: 40 };
    const report = { v: 1, ticket: "t1", event: "done", now: Date.now() } as const;
    service.report({ ...report, usage, fetched });
    await vi.advanceTimersByTimeAsync(100);
    expect(said.reports[0]?.reports.events).toMatchObject([{ event: "done", pulled }]);
  });
});
