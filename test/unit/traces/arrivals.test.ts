import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { type ArrivalOptions, arrivals } from "../../../src/traces/arrivals/arrivals.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import type { TraceSession } from "../../../src/traces/requests/request.ts";
import { MOONCAKE, collect, given, sessionsAt, slice, tracedRequest } from "./slices.ts";

const TWO_TURNS: TraceSession = {
  id: "agent",
  format: "claude-code",
  startMs: 0,
  requests: [
    tracedRequest({ session: "agent" }),
    tracedRequest({ session: "agent", turn: 1, offsetMs: 5000, thinkMs: 2000 }),
  ],
};

describe("arrivals as traced", () => {
  it("come at the times of the trace, the later turns of a session among the others", async () => {
    const sessions = [TWO_TURNS, ...sessionsAt(1000, 9000)];
    expect(await times(sessions, { starts: { kind: "traced" }, turns: "traced" })).toEqual([
      0, 1000, 5000, 9000,
    ]);
  });

  it("come as many times as fast as the rate says", async () => {
    const sessions = [TWO_TURNS, ...sessionsAt(9000)];
    const options = { starts: { kind: "traced" }, turns: "traced", rate: 2 } as const;
    expect(await times(sessions, options)).toEqual([0, 2500, 4500]);
  });

  it("refuse sessions that the trace gives no time", async () => {
    const { startMs: _, ...untimed } = TWO_TURNS;
    await expect(times([untimed], { starts: { kind: "traced" }, turns: "think" })).rejects.toThrow(
      "agent",
    );
  });
});

describe("bursts", () => {
  it("are spread evenly up to the next time, and no further than the step", async () => {
    const sessions = sessionsAt(0, 0, 0, 1500, 10_000, 10_000);
    const starts = { kind: "traced", spreadMs: 3000 } as const;
    expect(await times(sessions, { starts, turns: "traced" })).toEqual([
      0, 500, 1000, 1500, 10_000, 11_500,
    ]);
  });

  it("of Mooncake's three-second steps end, and no request moves by more than a step", async () => {
    const sessions = await collect(readSessions([slice(MOONCAKE)]));
    const traced = sessions.map(({ startMs }) => startMs ?? NaN);
    expect(new Set(traced).size).toBeLessThan(10);
    const starts = { kind: "traced", spreadMs: 3000 } as const;
    const spread = await times(sessions, { starts, turns: "traced" });
    expect(new Set(spread).size).toBe(40);
    expect(spread).toEqual(spread.toSorted((a, b) => a - b));
    for (const [index, atMs] of spread.entries()) {
      expect(atMs - (traced[index] ?? NaN)).toBeGreaterThanOrEqual(0);
      expect(atMs - (traced[index] ?? NaN)).toBeLessThan(3000);
    }
  });
});

describe("arrivals by chance", () => {
  it("are as many a second as asked, with the spread of a Poisson process", async () => {
    const sessions = sessionsAt(...Array.from({ length: 20_000 }, () => 0));
    const at = await times(sessions, { starts: { kind: "poisson", perS: 5 }, turns: "think" });
    const gaps = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeGreaterThan(195);
    expect(mean).toBeLessThan(205);
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.97);
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.03);
  });

  it("are the same for the same seed and others for another", async () => {
    const options = { starts: { kind: "poisson", perS: 1 }, turns: "think" } as const;
    const sessions = sessionsAt(0, 0, 0);
    expect(await times(sessions, options, 7)).toEqual(await times(sessions, options, 7));
    expect(await times(sessions, options, 7)).not.toEqual(await times(sessions, options, 8));
  });
});

describe("closed loops", () => {
  it("leave every later turn to the answer before it", async () => {
    const all = await collect(
      arrivals(
        given([TWO_TURNS, ...sessionsAt(1000)]),
        { starts: { kind: "traced" }, turns: "think" },
        seededRandom(1),
      ),
    );
    expect(all.map(({ atMs, later }) => [atMs, later.map((r) => r.thinkMs)])).toEqual([
      [0, [2000]],
      [1000, []],
    ]);
  });

  it("give each of a number of users one session after another, all turns and all sessions", async () => {
    const sessions = [TWO_TURNS, ...sessionsAt(0, 0, 0)];
    const options = {
      starts: { kind: "users", users: 2, rampMs: 1000 },
      turns: "think",
    } as const;
    const all = await collect(arrivals(given(sessions), options, seededRandom(1)));
    expect(all.map(({ atMs }) => atMs)).toEqual([0, 500]);
    expect(
      all.map(({ request, later }) => [request, ...later].map(({ session }) => session)),
    ).toEqual([
      ["agent", "agent", "s1"],
      ["s0", "s2"],
    ]);
  });
});

async function times(sessions: readonly TraceSession[], options: ArrivalOptions, seed = 1) {
  const all = await collect(arrivals(given(sessions), options, seededRandom(seed)));
  return all.map(({ atMs }) => atMs);
}
