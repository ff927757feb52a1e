import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CacheReports, type Probe } from "../../../src/region/cache-reports.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const answer = (cached?: number) =>
  new TextEncoder().encode(
    JSON.stringify({
      usage: {
        prompt_tokens: 530,
        completion_tokens: 1,
        ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
      },
    }),
  );

function reportsOf(probe: Probe) {
  const asked = vi.fn(probe);
  return { asked, reports: new CacheReports(asked, Date.now) };
}

describe("whether an engine tells its cached tokens", () => {
  it("is found by asking twice, and then known for a moment", async () => {
    let times = 0;
    const { asked, reports } = reportsOf(async () => answer((times += 1) > 1 ? 512 : undefined));
    expect(await reports.of("a/0")).toBe(true);
    expect(await reports.of("a/0")).toBe(true);
    expect(asked).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await reports.of("a/0")).toBe(true);
    expect(asked).toHaveBeenCalledTimes(3);
  });

  it("is no where the same prompt is never told to be cached", async () => {
    const { reports } = reportsOf(async () => answer());
    expect(await reports.of("a/0")).toBe(false);
  });

  it("is not known of one that serves nothing by itself, which is not asked again at once", async () => {
    const { asked, reports } = reportsOf(async () => "refused");
    expect(await reports.of("a/0")).toBe(false);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await reports.of("a/0")).toBe(false);
    expect(asked).toHaveBeenCalledOnce();
  });

  it("is asked by one request for all that wait", async () => {
    const { asked, reports } = reportsOf(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return answer(512);
    });
    const all = Promise.all([reports.of("a/0"), reports.of("a/0"), reports.of("a/0")]);
    await vi.advanceTimersByTimeAsync(500);
    expect(await all).toEqual([true, true, true]);
    expect(asked).toHaveBeenCalledOnce();
  });

  it("is given up after a while, also by those who wait for a request that was ended", async () => {
    const { reports } = reportsOf(() => new Promise(() => {}));
    void reports.of("a/0");
    const waiting = reports.of("a/0");
    await vi.advanceTimersByTimeAsync(4000);
    expect(await waiting).toBe(false);
  });

  it("is taken from what was seen in passing", async () => {
    const { asked, reports } = reportsOf(async () => answer());
    reports.saw("a/0");
    expect(await reports.of("a/0")).toBe(true);
    expect(asked).not.toHaveBeenCalled();
  });
});
