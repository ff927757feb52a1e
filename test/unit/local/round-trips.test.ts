import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { delayStream } from "../../../workers/local/delay-stream.ts";
import { EDGES, roundTripMs } from "../../../workers/local/geography.ts";
import { uploadMs, withRoundTrips } from "../../../workers/local/round-trips.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const [ams, iad] = EDGES;
const mesh = {
  regions: { iad },
  pools: { far: { region: "iad", engines: [{ url: "http://engines.test/far/0" }] } },
};

describe("delayStream", () => {
  it("keeps the order of chunks and the distances between them", async () => {
    const arrivals = await readAll(delayStream(chunksAt([0, 10, 20]), 100));
    expect(arrivals).toEqual([
      [0, 100],
      [1, 110],
      [2, 120],
    ]);
  });

  it("hands an abort on at once", async () => {
    const abort = new AbortController();
    const reader = delayStream(chunksAt([0]), 1000, abort.signal).getReader();
    const read = reader.read().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5);
    abort.abort(new Error("left"));
    await vi.advanceTimersByTimeAsync(0);
    expect(await read).toEqual(new Error("left"));
  });

  it("cancels its source", async () => {
    const cancel = vi.fn();
    await delayStream(new ReadableStream({ cancel }), 100).cancel("enough");
    expect(cancel).toHaveBeenCalledWith("enough");
  });
});

describe("withRoundTrips", () => {
  it("takes half a round trip each way", async () => {
    const rttMs = roundTripMs(ams, iad);
    const asked: number[] = [];
    const slow = withRoundTrips(
      async () => {
        asked.push(performance.now());
        return new Response("hello");
      },
      ams,
      mesh,
      1,
    );
    const startedAt = performance.now();
    const answer = slow("http://engines.test/far/0/v1/models").then(async (response) => ({
      text: await response.text(),
      at: performance.now(),
    }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(Math.abs((asked[0] ?? 0) - startedAt - rttMs / 2)).toBeLessThan(2);
    expect(Math.abs((await answer).at - startedAt - rttMs)).toBeLessThan(3);
    expect((await answer).text).toBe("hello");
  });

  it("never sends a request that was aborted on its way", async () => {
    const fetchNow = vi.fn();
    const abort = new AbortController();
    const slow = withRoundTrips(fetchNow, ams, mesh, 1);
    const answer = slow("http://engines.test/far/0/x", { signal: abort.signal }).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(1);
    abort.abort(new Error("left"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await answer).toEqual(new Error("left"));
    expect(fetchNow).not.toHaveBeenCalled();
  });

  it("leaves other addresses alone", async () => {
    const fetchNow = vi.fn(async () => new Response("near"));
    const response = await withRoundTrips(fetchNow, ams, mesh, 1)("http://engines.test/far/01");
    expect(await response.text()).toBe("near");
  });
});

describe("distances", () => {
  it("are those of the public internet", () => {
    expect(roundTripMs(ams, iad)).toBeGreaterThan(75);
    expect(roundTripMs(ams, iad)).toBeLessThan(100);
    expect(roundTripMs(ams, ams)).toBe(1);
  });

  it("make large bodies take longer, and small ones hardly", () => {
    expect(uploadMs(1000, 90)).toBeLessThan(0.1);
    expect(uploadMs(4e6, 90)).toBeGreaterThan(100);
  });
});

function chunksAt(timesMs: readonly number[]): ReadableStream<Uint8Array> {
  const startedAt = performance.now();
  let n = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const at = timesMs[n];
        if (at === undefined) return controller.close();
        await new Promise((resolve) => setTimeout(resolve, startedAt + at - performance.now()));
        controller.enqueue(Uint8Array.of(n));
        n += 1;
      },
    },
    { highWaterMark: 0 },
  );
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<number[][]> {
  const startedAt = performance.now();
  const arrivals: number[][] = [];
  const done = (async () => {
    for await (const chunk of stream) {
      arrivals.push([chunk[0] ?? -1, Math.round((performance.now() - startedAt) / 10) * 10]);
    }
  })();
  await vi.advanceTimersByTimeAsync(1000);
  await done;
  return arrivals;
}
