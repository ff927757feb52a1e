import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LegOrder } from "../../../src/region/service.ts";
import type { RegionEvent } from "../../../src/rpc/region-messages.ts";
import { byObject, grantOf, reserveAsk } from "./fake-region.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("what an engine tells with its answer", () => {
  it("is asked for, and rides with the leg's report", async () => {
    const asked: Headers[] = [];
    const { service, said } = byObject({}, async (url, init) => {
      asked.push(new Request(url, init).headers);
      await vi.advanceTimersByTimeAsync(400);
      return completion({ "endpoint-load-metrics": TOLD });
    });
    await service.reserve(reserveAsk());
    await service.run(ORDER, new AbortController().signal);
    expect(asked[0]?.get("endpoint-load-metrics-format")).toBe("TEXT");
    await vi.advanceTimersByTimeAsync(50);
    service.report({ v: 1, ticket: "t1", event: "done", usage: USAGE, now: Date.now() });
    await vi.advanceTimersByTimeAsync(200);
    expect(eventsOf(said)).toMatchObject([
      {
        event: "done",
        told: { load: { running: 3, waiting: 2, kvUse: 0.5 }, afterMs: 400 },
        cachedShare: 0.75,
      },
    ]);
  });

  it("is nothing where it tells no load, nor what it found in its cache", async () => {
    const { service, said } = byObject({}, async () => completion({}));
    await service.reserve(reserveAsk());
    await service.run(ORDER, new AbortController().signal);
    const usage = { promptTokens: 100, outputTokens: 2 };
    service.report({ v: 1, ticket: "t1", event: "done", usage, now: Date.now() });
    await vi.advanceTimersByTimeAsync(200);
    expect(eventsOf(said)[0]).not.toHaveProperty("told");
    expect(eventsOf(said)[0]).not.toHaveProperty("cachedShare");
  });

  it("says nothing of the cache with the decode leg of a split, which counts what it was handed", async () => {
    const { service, said } = byObject({});
    await service.reserve(reserveAsk({ leg: "decode" }));
    service.report({ v: 1, ticket: "t1", event: "done", usage: USAGE, now: Date.now() });
    await vi.advanceTimersByTimeAsync(200);
    expect(eventsOf(said)[0]).not.toHaveProperty("cachedShare");
  });
});

describe("an engine that its region wants probed", () => {
  it("is asked for its load, and its region told when", async () => {
    const urls: string[] = [];
    const { service, said } = byObject({ reserve: () => PROBING }, async (url) => {
      urls.push(String(url));
      await vi.advanceTimersByTimeAsync(30);
      return new Response("vllm:num_requests_running 4\nvllm:num_requests_waiting 1\n");
    });
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(200);
    expect(eventsOf(said), "in a call of its own").toEqual([]);
    await service.reserve(reserveAsk());
    expect(urls[0]).toBe("http://h200/0/metrics");
    const told = { load: { running: 4, waiting: 1 }, afterMs: 30 };
    const event = { ticket: "p1", event: "probed", engine: "h200/0", pool: "h200", isWell: true };
    expect(eventsOf(said)).toMatchObject([{ ...event, told }]);
  });

  it("is asked whether it is well where it has no metrics page, which is not looked for again", async () => {
    const urls: string[] = [];
    const { service, said } = byObject({ reserve: () => PROBING }, async (url) => {
      urls.push(String(url));
      return new Response(null, { status: String(url).endsWith("/health") ? 200 : 404 });
    });
    for (let n = 0; n < 3; n++) {
      await service.reserve(reserveAsk());
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(urls.map((url) => url.replace("http://h200/0", ""))).toEqual([
      "/metrics",
      "/health",
      "/health",
      "/health",
    ]);
    expect(eventsOf(said)[0]).toMatchObject({ isWell: true });
  });

  it.each<[string, () => Promise<Response>, boolean | undefined]>([
    ["cannot be reached", () => Promise.reject(new TypeError("refused")), false],
    ["fails", async () => new Response(null, { status: 503 }), false],
    ["does not let us in", async () => new Response(null, { status: 401 }), undefined],
  ])("and %s, tells that much", async (_, answer, isWell) => {
    const { service, said } = byObject({ reserve: () => PROBING }, answer);
    await service.reserve(reserveAsk());
    await vi.advanceTimersByTimeAsync(200);
    await service.reserve(reserveAsk());
    expect(eventsOf(said)).toHaveLength(1);
    expect(eventsOf(said)[0]?.isWell).toBe(isWell);
  });
});

const TOLD =
  "TEXT named_metrics.kv_cache_usage_perc=0.5, named_metrics.num_requests_running=3, named_metrics.num_requests_waiting=2";
const USAGE = { promptTokens: 100, outputTokens: 2, cachedTokens: 75 };
const PROBING = { ...grantOf("h200/1"), probes: [{ ticket: "p1", engine: "h200/0" }] };

const ORDER: LegOrder = {
  v: 1,
  ticket: "t1",
  engine: "h200/1",
  leg: "both",
  requestId: "r1",
  path: "/v1/chat/completions",
  body: new TextEncoder().encode('{"model":"70b","messages":[]}'),
  stream: false,
  firstTokenTimeoutMs: 5000,
  idleTimeoutMs: 5000,
};

function completion(headers: Readonly<Record<string, string>>): Response {
  const choices = [{ index: 0, message: { role: "assistant", content: "hello" } }];
  return Response.json({ choices }, { headers });
}

function eventsOf({ reserves, reports }: ReturnType<typeof byObject>["said"]) {
  return [...reserves, ...reports].flatMap((call): readonly RegionEvent[] => call.reports.events);
}
