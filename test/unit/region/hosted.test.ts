import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Pool } from "../../../src/core/fleet.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { byPool } from "../../../src/region/by-pool.ts";
import { createHostedPools } from "../../../src/region/hosted.ts";
import type { LegAnswer, LegReport } from "../../../src/region/service.ts";
import { chainOf } from "../grant/grant-fixtures.ts";
import { ask, fleet, pool } from "../plan/plan-fixtures.ts";
import { byObject, reserveAsk } from "./fake-region.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a pool that routes itself", () => {
  it("is granted at once, without asking any region", async () => {
    const api = hosted();
    const answer = await api.region.reserve(wanted({ held: { "api/0": 2048 } }));
    expect(answer).toMatchObject({
      kind: "granted",
      grant: { engine: "api/0", startAt: Date.now(), heldTokens: 2048 },
    });
    expect(api.said.reserves).toEqual([]);
    await api.region.reserve(reserveAsk());
    expect(api.said.reserves, "a pool of ours").toHaveLength(1);
  });

  it("takes no more at once than it is configured to, and the next when one ends", async () => {
    const api = hosted({ limits: { concurrency: 2 } });
    const first = await api.grant();
    await api.grant();
    const refused = await api.region.reserve(wanted());
    expect(refused).toMatchObject({ kind: "refused", full: true });
    expect(api.view()).toMatchObject({ healthy: false, rests: true });
    api.report(first, { event: "done" });
    expect(api.view()).toMatchObject({ healthy: true });
    await api.grant();
  });

  it("says when to come back once a minute's requests are used up", async () => {
    const api = hosted({ limits: { rpm: 1 } });
    api.report(await api.grant(), { event: "done" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await api.region.reserve(wanted())).toMatchObject({ retryAfterMs: 40_000, full: true });
    expect(api.view()).toMatchObject({ opensInMs: 40_000 });
  });

  it("gives a grant back that was never used", async () => {
    const api = hosted({ limits: { rpm: 1 } });
    api.report(await api.grant(), { event: "released" });
    await api.grant();
  });

  it("goes by the limits that its answers tell", async () => {
    const api = hosted({}, () =>
      completion({
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
      }),
    );
    const ticket = await api.grant();
    await api.run(ticket);
    api.report(ticket, { event: "done" });
    expect(await api.region.reserve(wanted())).toMatchObject({ kind: "refused", full: true });
    await vi.advanceTimersByTimeAsync(1000);
    await api.grant();
  });

  it("is left alone for as long as it asks with a 429", async () => {
    const api = hosted(
      {},
      () => new Response("", { status: 429, headers: { "retry-after": "7" } }),
    );
    await api.fail();
    expect(await api.region.reserve(wanted())).toMatchObject({ retryAfterMs: 7000, full: true });
    await vi.advanceTimersByTimeAsync(7000);
    await api.grant();
  });

  it("that does not say for how long is left alone twice as long each time", async () => {
    const api = hosted({}, () => new Response("", { status: 429 }));
    for (const waitMs of [1000, 2000, 4000]) {
      await api.fail();
      expect(api.view()).toMatchObject({ opensInMs: waitMs, rests: true });
      await vi.advanceTimersByTimeAsync(waitMs);
    }
  });

  it("is given a rest after three failures, which is no limit", async () => {
    const api = hosted({}, () => new Response("", { status: 500 }));
    for (let i = 0; i < 3; i += 1) await api.fail();
    expect(api.view()).toMatchObject({ healthy: false, rests: false });
    const answer = await api.region.reserve(wanted());
    expect(answer).toMatchObject({ kind: "refused", reason: "no engine is healthy" });
    expect(answer).not.toHaveProperty("full");
  });

  it("is asked again though the request that was to try it was lost", async () => {
    const api = hosted({}, () => new Response("", { status: 500 }));
    for (let i = 0; i < 3; i += 1) await api.fail();
    await vi.advanceTimersByTimeAsync(60_000);
    await api.grant();
    expect(api.view()).toMatchObject({ healthy: false });
    await vi.advanceTimersByTimeAsync(600_001);
    expect(api.view()).toMatchObject({ healthy: true });
  });

  it("is seen to be as fast as its first tokens come, less the way there", async () => {
    const api = hosted();
    expect(api.view()).not.toHaveProperty("seen");
    for (let i = 0; i < 20; i += 1) {
      const ticket = await api.grant();
      await api.run(ticket);
      await vi.advanceTimersByTimeAsync(700 + RTT_MS);
      api.report(ticket, { event: "first-token" });
      await vi.advanceTimersByTimeAsync(90);
      const usage = { promptTokens: 10_000, outputTokens: 10 };
      api.report(ticket, { event: "done", usage });
    }
    const { seen } = api.view() ?? {};
    const firstTokenMs = (seen?.firstMs ?? 0) + 10_000 * (seen?.msPerToken ?? 0);
    expect(firstTokenMs).toBeGreaterThan(650);
    expect(firstTokenMs).toBeLessThan(720);
    expect(seen?.stepMs).toBeCloseTo(10, 0);
  });

  it("is seen by whole answers too, less what their tokens take", async () => {
    const api = hosted();
    const ticket = await api.grant();
    await api.run(ticket);
    await vi.advanceTimersByTimeAsync(60_000);
    api.report(ticket, { event: "done", usage: { promptTokens: 10_000, outputTokens: 10 } });
    expect(api.view()?.seen?.firstMs).toBeGreaterThan(10_000);
  });

  it("goes to the engine that has the prefix, then to the one with less to do", async () => {
    const api = hosted({ engineCount: 2 });
    const engineOf = async (held = {}) => {
      const answer = await api.region.reserve(wanted({ held }));
      return answer.kind === "granted" ? answer.grant.engine : answer.kind;
    };
    expect(await engineOf()).toBe("api/0");
    expect(await engineOf()).toBe("api/1");
    expect(await engineOf()).toBe("api/0");
    expect(await engineOf({ "api/0": 1024 })).toBe("api/0");
  });

  it("is not asked again where it failed this request", async () => {
    const api = hosted({ engineCount: 2 });
    const avoid = ["api/0"];
    expect(await api.region.reserve(wanted({ avoid }))).toMatchObject({
      grant: { engine: "api/1" },
    });
    const both = await api.region.reserve(wanted({ avoid: ["api/0", "api/1"] }));
    expect(both).toMatchObject({ kind: "refused" });
  });

  it("that tells how many tokens were cached, though none were, is never probed for it", async () => {
    const fetched = vi.fn(() => completion());
    const api = hosted({}, fetched);
    const usage = { promptTokens: 9, outputTokens: 1, cachedTokens: 0 };
    api.report(await api.grant(), { event: "done", usage });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await api.region.reportsCache("api/0")).toBe(true);
    expect(fetched).not.toHaveBeenCalled();
  });

  it("that tells none is probed once, as every prompt is paid for", async () => {
    const fetched = vi.fn(() => completion());
    const api = hosted({}, fetched);
    expect(await api.region.reportsCache("api/0")).toBe(false);
    const probes = fetched.mock.calls.length;
    expect(probes).toBeLessThanOrEqual(3);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await api.region.reportsCache("api/0")).toBe(false);
    expect(fetched).toHaveBeenCalledTimes(probes);
  });
});

const RTT_MS = 30;

/** A hosted pool `api` beside a pool of ours, and what it answers. */
function hosted(
  members: Partial<Pool> & { engineCount?: number } = {},
  answer: () => Response = () => completion(),
) {
  const perMTok = { in: 1, cached: 0.1, out: 2 };
  const known = { routed: "itself", dialect: "openai", engineCount: 1, perMTok } as const;
  const planned = fleet({ poolList: [pool("api", { ...known, ...members })] });
  const pools = createHostedPools({
    fleet: planned,
    speeds: speedsOf(planned),
    engineFetch: async () => answer(),
    secret: () => undefined,
    clock: { now: Date.now, wait: async () => {} },
  });
  const { service, views: ownViews, said } = byObject({});
  const { region, views } = byPool(pools, () => RTT_MS, { region: service, views: ownViews });
  const report = (ticket: string, event: Pick<LegReport, "event"> & Partial<LegReport>) =>
    region.report({ v: 1, ticket, now: Date.now(), ...event });
  const grant = async () => {
    const answered = await region.reserve(wanted());
    if (answered.kind !== "granted") throw new TypeError(`not granted, but ${answered.kind}`);
    return answered.grant.ticket;
  };
  const run = (ticket: string): Promise<LegAnswer> =>
    region.run(
      {
        v: 1,
        ticket,
        engine: "api/0",
        leg: "both",
        requestId: "r1",
        path: "/v1/chat/completions",
        body: new TextEncoder().encode('{"model":"large","messages":[]}'),
        stream: false,
        firstTokenTimeoutMs: 5000,
        idleTimeoutMs: 5000,
      },
      new AbortController().signal,
    );
  return {
    region,
    said,
    grant,
    run,
    report,
    view: () => views({ pool: "api", ...chainOf([1], 10_000), held: {}, now: Date.now() })[0],
    async fail() {
      const ticket = await grant();
      const answered = await run(ticket);
      if (answered.ok) throw new TypeError("it did not fail");
      const { kind, retryAfterMs } = answered.failure;
      const told = retryAfterMs === undefined ? {} : { retryAfterMs };
      report(ticket, { event: "failed", failure: kind, ...told });
    },
  };
}

function wanted(members: Parameters<typeof reserveAsk>[0] = {}) {
  return reserveAsk({ pool: "api", ask: ask({ promptTokens: 10_000 }), ...members });
}

function completion(headers: Record<string, string> = {}): Response {
  const choices = [{ index: 0, message: { role: "assistant", content: "yes" } }];
  return Response.json({ object: "chat.completion", choices }, { headers });
}
