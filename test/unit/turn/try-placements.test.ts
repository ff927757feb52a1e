import { describe, expect, it, vi } from "vitest";
import type { RegionService } from "../../../src/region/service.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import {
  answering,
  broken,
  coldTurn,
  type Engine,
  prefilled,
  surroundings,
} from "./turn-fixtures.ts";
import { view } from "../plan/plan-fixtures.ts";

/** Runs a cold turn, which is planned as a split, against engines that answer as told. */
async function tried(engine: Engine, held: Record<string, number> = {}) {
  const around = await surroundings(engine, held);
  const turn = await coldTurn(around.deps);
  const result = await tryPlacements(around.deps, turn, planTurn(around.deps, turn));
  return { ...around, ...result };
}

const phases: Engine = ({ leg }) => (leg === "prefill" ? prefilled() : answering());

describe("a split turn", () => {
  it("asks decode first, then runs both legs under one request id with the handle in between", async () => {
    const { asked, ordered, result } = await tried(phases);
    expect(asked.map(({ leg }) => leg)).toEqual(["decode", "prefill"]);
    expect(ordered.map(({ leg }) => leg)).toEqual(["prefill", "decode"]);
    expect(ordered.map(({ requestId }) => requestId)).toEqual(["req_1", "req_1"]);
    expect(ordered[1]?.handoff).toBe('{"block":1}');
    expect(result).toMatchObject({ ok: true, placement: { mode: "disaggregated" } });
  });

  it("is not split after all when the decode engine holds nearly everything", async () => {
    const held = { "h200/0": 19_990, "h200/1": 19_990 };
    const { asked, ordered, result, reported } = await tried(phases, held);
    expect(asked.map(({ leg }) => leg)).toEqual(["decode", "both"]);
    expect(ordered.map(({ leg }) => leg)).toEqual(["both"]);
    expect(result).toMatchObject({ ok: true, redecided: true, placement: { mode: "together" } });
    expect(reported[0]).toMatchObject({ ticket: "req_1:decode:1", event: "released" });
  });

  it("is split after all when the engine that was to do both is too busy for it", async () => {
    const around = await surroundings(phases);
    const views: TurnDeps["views"] = ({ pool }) =>
      pool === "cpx" ? [view("cpx/0", { queueMs: 2000 }), view("cpx/1", { queueMs: 2000 })] : [];
    const reserve: RegionService["reserve"] = async (ask, ahead) => {
      expect(ahead === undefined).toBe(ask.leg !== "prefill");
      const answer = await around.deps.region.reserve(ask);
      if (answer.kind !== "granted") return answer;
      return { kind: "granted", grant: { ...answer.grant, decoding: 30, promptShare: 0.8 } };
    };
    const deps = { ...around.deps, views, region: { ...around.deps.region, reserve } };
    const turn = await coldTurn(deps);
    const planned = planTurn(deps, turn);
    expect(planned.placements[0]?.mode).toBe("together");
    const { result } = await tryPlacements(deps, turn, planned);
    expect(around.asked.map(({ leg }) => leg)).toEqual(["both", "decode", "prefill"]);
    expect(around.reported[0]).toMatchObject({ ticket: "req_1:both:1", event: "released" });
    expect(result).toMatchObject({
      ok: true,
      redecided: true,
      placement: { mode: "disaggregated" },
    });
  });

  it("gives the decode grant back and goes elsewhere when prefill fails", async () => {
    let failing = "";
    const { ordered, reported, result, runs } = await tried((order, signal) => {
      failing ||= order.engine;
      return order.engine === failing ? broken("unreachable") : phases(order, signal);
    });
    expect(result.ok).toBe(true);
    expect(ordered.filter(({ engine }) => engine === failing)).toHaveLength(1);
    expect(reported[0]).toMatchObject({ ticket: "req_1:decode:1", event: "released" });
    expect(reported[1]).toMatchObject({ event: "failed", failure: "unreachable" });
    expect(runs[0]).toMatchObject({ leg: "prefill", outcome: "failed", failure: "unreachable" });
  });

  it("goes elsewhere when the prefill engine tells no handle", async () => {
    let first = "";
    const { runs, result } = await tried((order, signal) => {
      first ||= order.engine;
      const mute = { ok: true, kind: "prefilled", handoff: undefined, usage: undefined } as const;
      return order.engine === first ? mute : phases(order, signal);
    });
    expect(result.ok).toBe(true);
    expect(runs[0]).toMatchObject({ outcome: "failed", failure: "malformed" });
  });

  it("is over with prefill when that engine has said everything", async () => {
    const { ordered, reported, result, runs } = await tried(() => answering());
    expect(ordered.map(({ leg }) => leg)).toEqual(["prefill"]);
    expect(reported[0]).toMatchObject({ ticket: "req_1:decode:1", event: "released" });
    if (!result.ok) throw new TypeError("it was not answered");
    expect(result.answer).toBe(runs[0]);
    expect(result.placement).toMatchObject({ mode: "together", kvBytes: 0 });
    expect(result.placement.decode.pool).toBe(runs[0]?.grant.pool);
  });

  it("hands its blocks to another engine of the pool when decode would not take them", async () => {
    const { ordered, result } = await tried((order, signal) =>
      order.engine === "h200/0" ? broken("unreachable") : phases(order, signal),
    );
    expect(ordered.map(({ leg }) => leg)).toEqual(["prefill", "decode", "decode"]);
    expect(ordered[2]).toMatchObject({ engine: "h200/1", handoff: '{"block":1}' });
    expect(result).toMatchObject({ ok: true, answer: { grant: { engine: "h200/1" } } });
  });

  it("does not hand blocks over twice when the first engine may have fetched them", async () => {
    const { ordered } = await tried((order, signal) =>
      order.engine === "h200/0" ? broken("stalled") : phases(order, signal),
    );
    const handoffs = ordered.slice(2).filter(({ leg }) => leg === "decode");
    expect(handoffs.every(({ requestId }) => requestId !== "req_1")).toBe(true);
  });

  it("is not tried again when the request itself is at fault", async () => {
    const { ordered, result } = await tried(() => broken("caller"));
    expect(ordered).toHaveLength(1);
    expect(result).toMatchObject({ ok: false, failure: { kind: "caller" } });
  });

  it("is given up after a few engines, with the last one's reason", async () => {
    const { ordered, result, deps } = await tried(() => broken("stalled"));
    expect(ordered.length).toBeGreaterThan(1);
    expect(ordered.length).toBeLessThanOrEqual(deps.settings.maxAttempts);
    expect(new Set(ordered.map(({ engine }) => engine)).size).toBe(ordered.length);
    expect(result).toMatchObject({ ok: false, failure: { kind: "stalled" } });
  });

  it("waits for the last engine longer than for one that has a substitute", async () => {
    const { ordered, deps } = await tried(() => broken("stalled"));
    const waits = ordered.map(({ firstTokenTimeoutMs }) => firstTokenTimeoutMs);
    expect(waits.at(-1)).toBe(deps.settings.firstTokenTimeoutMs);
    expect(waits[0]).toBeLessThan(deps.settings.firstTokenTimeoutMs);
  });
});

describe("a client that leaves", () => {
  async function leaving(stream: boolean, engine: (leave: () => void) => Engine) {
    const client = new AbortController();
    const around = await surroundings(engine(() => client.abort()));
    const turn = await coldTurn(around.deps, client.signal, stream);
    const work = tryPlacements(around.deps, turn, planTurn(around.deps, turn));
    return { ...around, work };
  }

  it("in prefill ends that leg, and nothing else is sent", async () => {
    const { ordered, reported, work } = await leaving(true, (leave) => (_order, signal) => {
      leave();
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(broken("aborted"))),
      );
    });
    expect(await work).toMatchObject({ result: { ok: false, failure: { kind: "aborted" } } });
    expect(ordered).toHaveLength(1);
    expect(reported.map(({ event }) => event)).toEqual(["released", "released"]);
  });

  it("between the legs still has decode fetch the blocks, and ends it at its first token", async () => {
    const cancelled = vi.fn();
    const { ordered, work } = await leaving(true, (leave) => ({ leg }, signal) => {
      if (leg === "decode") return signal.aborted ? broken("unreachable") : answering(cancelled);
      leave();
      return prefilled();
    });
    const { result, runs } = await work;
    expect(ordered.map(({ leg }) => leg)).toEqual(["prefill", "decode"]);
    expect(cancelled).toHaveBeenCalledOnce();
    expect(result).toMatchObject({ ok: false, failure: { kind: "aborted" } });
    expect(runs.map(({ outcome }) => outcome)).toEqual(["served", "cancelled"]);
  });

  it("during the transfer of an answer that is not streamed lets decode go once its token was due", async () => {
    vi.useFakeTimers();
    try {
      let transfer: AbortSignal | undefined;
      const { clock, work } = await leaving(false, (leave) => ({ leg }, signal) => {
        if (leg === "prefill") return prefilled();
        transfer = signal;
        leave();
        return new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve(broken("unreachable"))),
        );
      });
      await vi.waitFor(() => expect(transfer).toBeDefined());
      expect(transfer?.aborted).toBe(false);
      clock.nowMs += 60_000;
      await vi.advanceTimersByTimeAsync(100);
      expect(transfer?.aborted).toBe(true);
      expect((await work).runs[1]).toMatchObject({ leg: "decode", outcome: "cancelled" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a turn that no region has an engine for", () => {
  it.each([true, false])("is rate limited when they are all merely full: %s", async (full) => {
    const { deps } = await surroundings(phases);
    const refused = { kind: "refused", reason: "told so", retryAfterMs: 3000, full } as const;
    const region = { ...deps.region, reserve: async () => refused };
    const turn = await coldTurn(deps);
    const { result } = await tryPlacements({ ...deps, region }, turn, planTurn(deps, turn));
    if (result.ok) throw new TypeError("it was answered");
    expect(result.failure).toMatchObject({ kind: "overloaded", retryAfterMs: 3000 });
    expect(result.failure.status).toBe(full ? 429 : undefined);
  });
});

describe("what an engine's own scheduler is told of a turn", () => {
  it.each([
    ["batch", undefined, 0],
    ["interactive", undefined, 1],
    ["interactive", "priority", 2],
  ] as const)("%s work of tier %s has priority %d", async (urgency, tier, priority) => {
    const { deps, ordered } = await surroundings(() => answering());
    const cold = await coldTurn(deps);
    const request = tier === undefined ? cold.request : { ...cold.request, serviceTier: tier };
    const turn = { ...cold, tenantTag: "tag", request, labels: { ...cold.labels, urgency } };
    await tryPlacements(deps, turn, planTurn(deps, turn));
    const outputTokens = turn.ask.expectedOutputTokens;
    expect(ordered[0]?.hints).toEqual({ priority, outputTokens, tenant: "tag" });
  });
});
