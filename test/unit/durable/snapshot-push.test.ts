import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SnapshotPush } from "../../../src/durable/snapshot-push.ts";
import type { FleetPush } from "../../../src/rpc/fleet-messages.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a region that has changed", () => {
  it("tells every continent, at most once a second, and at last how it is in the end", async () => {
    const { pushed, change } = region(2);
    for (let ms = 0; ms < 2500; ms += 100) {
      change();
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    const told = [
      { at: 0, engines: 1 },
      { at: 1000, engines: 10 },
      { at: 2000, engines: 20 },
      { at: 3000, engines: 25 },
    ];
    expect(pushed).toEqual(told.flatMap((one) => [one, one]));
  });

  it("goes on telling where a continent does not answer", async () => {
    const { pushed, change } = region(1, () => Promise.reject(new Error("overloaded")));
    change();
    await vi.advanceTimersByTimeAsync(5000);
    change();
    await vi.advanceTimersByTimeAsync(5000);
    expect(pushed.map(({ at }) => at)).toEqual([0, 5000]);
  });

  it("says nothing while nothing changes", async () => {
    const { pushed } = region(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pushed).toEqual([]);
  });
});

/** A region that gets one engine more with every change; `at` in ms since its start. */
function region(continents: number, answer = () => Promise.resolve({ ok: true, v: 1 } as const)) {
  const startedAt = Date.now();
  const pushed: { at: number; engines: number }[] = [];
  const stub = {
    push({ snapshot }: FleetPush) {
      pushed.push({ at: Date.now() - startedAt, engines: snapshot.engines.length });
      return answer();
    },
    read: () => Promise.reject(new Error("a region does not read")),
  };
  const push = new SnapshotPush({
    clock: { now: Date.now, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    mesh: "m1",
    fleets: Array.from({ length: continents }, () => () => stub),
    waitUntil: () => {},
  });
  const engines: never[] = [];
  const change = () => {
    engines.push(undefined as never);
    push.touched("iad", () => ({ engines: [...engines] }));
  };
  return { pushed, change };
}
