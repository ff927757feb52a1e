import { describe, expect, it } from "vitest";
import { grant } from "../../../src/core/grant/grant.ts";
import { done, failed } from "../../../src/core/grant/report.ts";
import { engineViews } from "../../../src/core/grant/views.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { booked, chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("choosing an engine", () => {
  it("follows the prefix that it sent there itself", () => {
    const state = region({ engineCount: 8 });
    const first = granted(state, grantAsk());
    done(state, first.ticket, 5000);
    for (let i = 0; i < 20; i++) {
      const next = granted(state, grantAsk({ requestId: `n${i}` }), 5000);
      expect(next).toMatchObject({ engine: first.engine, heldTokens: 9999 });
      done(state, next.ticket, 5000);
    }
  });

  it("believes the session when it knows nothing of the conversation", () => {
    const state = region({ engineCount: 8 });
    const request = grantAsk({ held: { "h200/5": 9000 } });
    expect(granted(state, request)).toMatchObject({ engine: "h200/5", heldTokens: 9000 });
  });

  it("leaves a holder when the work ahead of it is worth more than its cache", () => {
    const state = region({ engineCount: 2 });
    const chain = (n: number) =>
      chainOf(
        Array.from({ length: 10 }, (_, i) => n * 100 + i),
        1000,
      );
    const first = granted(state, grantAsk({ ...chain(1) }));
    const others = Array.from({ length: 8 }, (_, i) =>
      granted(
        state,
        grantAsk({
          requestId: `o${i}`,
          ...chain(2 + i),
          held: {},
          avoid: [first.engine === "h200/0" ? "h200/1" : "h200/0"],
        }),
      ),
    );
    expect(new Set(others.map(({ engine }) => engine))).toEqual(new Set([first.engine]));
    const next = granted(state, grantAsk({ requestId: "next", ...chain(1) }));
    expect(next.engine).not.toBe(first.engine);
  });

  it("spreads cold requests over equal engines", () => {
    const state = region({ engineCount: 4 });
    const engines = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const { engine, ticket } = granted(
        state,
        grantAsk({ requestId: `${i}`, ...chainOf([1000 + i], 10_000) }),
      );
      engines.add(engine);
      done(state, ticket, 0);
    }
    expect(engines.size).toBe(4);
  });

  it("queues behind the work already granted", () => {
    const state = region({ engineCount: 1 });
    const first = granted(state, grantAsk({ ...chainOf([1], 10_000) }), 100);
    const second = granted(state, grantAsk({ ...chainOf([2], 10_000) }), 100);
    expect(first.startAt).toBe(100);
    expect(second.startAt).toBeCloseTo(100 + first.prefillMs);
  });

  it("prefills nothing for a leg that brings its whole prefix along", () => {
    const state = region();
    expect(granted(state, grantAsk({ leg: "decode", handedTokens: 10_000 })).prefillMs).toBe(0);
  });

  it("takes the least loaded engine when all are full", () => {
    const state = region({ engineCount: 2, maxBatch: 1 });
    granted(state, grantAsk({ requestId: "a", avoid: ["h200/1"] }));
    granted(state, grantAsk({ requestId: "b", avoid: ["h200/0"] }));
    granted(state, grantAsk({ requestId: "c", avoid: ["h200/1"] }));
    const last = granted(state, grantAsk({ requestId: "d" }));
    expect(last).toMatchObject({ engine: "h200/1" });
    expect(last.reason).toContain("all full");
  });
});

describe("engines whose caches are full", () => {
  const SMALL = { engineCount: 2, kvTokens: 12_000 };
  const first = chainOf([1], 10_000);
  const second = chainOf([2], 10_000);

  it("are spared where another's cache has been idle for longer", () => {
    const state = region(SMALL);
    const idle = granted(state, grantAsk({ requestId: "a", ...first }), 0);
    done(state, idle.ticket, 1000);
    const busy = granted(state, grantAsk({ requestId: "b", ...second }), 1000);
    done(state, busy.ticket, 600_000);
    expect(busy.engine).not.toBe(idle.engine);
    const third = granted(state, grantAsk({ requestId: "c", ...chainOf([3], 10_000) }), 600_000);
    expect(third.engine).toBe(idle.engine);
  });

  it("are believed to hold nothing of what they evicted, whatever the session believes", () => {
    const state = region({ ...SMALL, engineCount: 1 });
    for (const [requestId, chain] of [
      ["a", first],
      ["b", second],
    ] as const) {
      done(state, granted(state, grantAsk({ requestId, ...chain }), 0).ticket, 1000);
    }
    const again = grantAsk({ requestId: "c", ...first, held: { "h200/0": 10_000 } });
    expect(granted(state, again, 1000).heldTokens).toBe(0);
  });

  it("keep what runs, so that idle conversations leave first", () => {
    const state = region({ ...SMALL, engineCount: 1 });
    const running = granted(state, grantAsk({ requestId: "a", ...first }), 0);
    const waiting = granted(state, grantAsk({ requestId: "b", ...second }), 10);
    done(state, running.ticket, 5000);
    const view = (chain: typeof first) =>
      engineViews(state, "h200", chain.chain, chain.linkTokens, {}, 5000)[0];
    expect(view(second)?.heldTokens).toBe(10_000);
    expect(view(first)?.heldTokens).toBe(0);
    done(state, waiting.ticket, 9000);
  });

  it("hold a prefix that running requests share once", () => {
    const state = region({ engineCount: 1 });
    granted(state, grantAsk());
    const one = booked(state).kvTokens;
    granted(state, grantAsk({ requestId: "r2" }));
    expect(booked(state).kvTokens).toBe(2 * one - 10_000);
    granted(state, grantAsk({ requestId: "r3", ...chainOf([1, 2, 30], 1000) }));
    expect(booked(state).kvTokens).toBe(3 * one - 12_000);
  });

  it("let a request in when enough of those that run have ended", () => {
    const state = region({ ...SMALL, engineCount: 1 });
    const running = granted(state, grantAsk({ requestId: "a", ...first }), 0);
    const waiting = granted(state, grantAsk({ requestId: "b", ...second }), 0);
    const decodeMs = running.stepMs * grantAsk().ask.expectedOutputTokens;
    expect(waiting.startAt).toBeGreaterThanOrEqual(running.prefillMs + decodeMs);
  });
});

describe("equal engines", () => {
  it("share the work of conversations that stay where they began", () => {
    const state = region({ engineCount: 2 });
    const work = new Map<string, number>();
    for (let conversation = 0; conversation < 12; conversation++) {
      const chain = chainOf([conversation], 10_000);
      for (let turn = 0; turn < 1 + ((conversation * 7) % 5); turn++) {
        const requestId = `${conversation}.${turn}`;
        const { ticket, engine } = granted(state, grantAsk({ requestId, ...chain }), conversation);
        done(state, ticket, conversation);
        work.set(engine, (work.get(engine) ?? 0) + 1);
      }
    }
    const [most = 0, least = 0] = [...work.values()].toSorted((a, b) => b - a);
    expect(most / ((most + least) / 2)).toBeLessThan(1.2);
  });
});

describe("an overworked engine", () => {
  it("hands a conversation over once it has had far more than its share, and now and then", () => {
    const moves = movesIn(400);
    expect(moves).toBeGreaterThan(0);
    expect(moves).toBeLessThan(20);
  });

  it("keeps it as long as that may be chance", () => {
    expect(movesIn(12)).toBe(0);
  });

  /** How often one growing conversation changes between two engines that have nothing else to do. */
  function movesIn(turns: number): number {
    const state = region({ engineCount: 2, kvTokens: 1_000_000 });
    const engines = Array.from({ length: turns }, (_, turn) => {
      const chain = chainOf(
        Array.from({ length: 40 + turn }, (__, link) => link),
        250,
      );
      const promptTokens = 250 * (40 + turn);
      const { engine, ticket } = granted(
        state,
        grantAsk({ requestId: `t${turn}`, ...chain, ask: ask({ promptTokens }) }),
        1000,
      );
      done(state, ticket, 1000);
      return engine;
    });
    return engines.filter((engine, turn) => turn > 0 && engine !== engines[turn - 1]).length;
  }
});

describe("refusing", () => {
  it("says that every engine is full when each said so itself", () => {
    const state = region({ engineCount: 2 });
    const refusedAt = (nowMs: number) => {
      const answer = grant(state, grantAsk(), nowMs, seededRandom(1));
      return answer.kind === "refused" ? answer : undefined;
    };
    for (const retryAfterMs of [5000, 3000]) {
      failed(state, granted(state, grantAsk(), 1000).ticket, 1000, "overloaded", retryAfterMs);
    }
    expect(refusedAt(1500)).toMatchObject({ full: true, retryAfterMs: 2500 });
    const views = engineViews(state, "h200", new Uint8Array(), new Uint32Array(), {}, 1500);
    expect(views.map(({ opensInMs }) => opensInMs).toSorted()).toEqual([2500, 4500]);
    expect(views).toMatchObject([
      { healthy: false, rests: true },
      { healthy: false, rests: true },
    ]);
    expect(refusedAt(4000)).toBeUndefined();
  });

  it("says nothing of the kind when an engine is broken", () => {
    const state = region({ engineCount: 1 });
    for (let i = 0; i < 3; i++) failed(state, granted(state, grantAsk()).ticket, 0, "status");
    expect(grant(state, grantAsk(), 1000, seededRandom(1))).not.toHaveProperty("full");
    const views = engineViews(state, "h200", new Uint8Array(), new Uint32Array(), {}, 1000);
    expect(views).toMatchObject([{ healthy: false, rests: false, opensInMs: 4000 }]);
  });

  it("says when to come back once no engine is healthy", () => {
    const state = region({ engineCount: 1 });
    for (let i = 0; i < 3; i++)
      failed(state, granted(state, grantAsk()).ticket, 1000, "unreachable");
    const answer = grant(state, grantAsk(), 2000, seededRandom(1));
    expect(answer).toEqual({ kind: "refused", reason: "no engine is healthy", retryAfterMs: 4000 });
  });

  it("refuses when every engine has failed this request, and pools that are not here", () => {
    const state = region({ engineCount: 1 });
    expect(grant(state, grantAsk({ avoid: ["h200/0"] }), 0, seededRandom(1)).kind).toBe("refused");
    expect(grant(state, grantAsk({ pool: "x" }), 0, seededRandom(1)).kind).toBe("refused");
  });
});

describe("views for the planner", () => {
  it("show queue, batch, cache and health", () => {
    const state = region({ engineCount: 2 });
    const request = grantAsk();
    const { engine, prefillMs } = granted(state, request);
    const views = engineViews(state, "h200", request.chain, request.linkTokens, {}, 0);
    const busy = views.find((view) => view.engine === engine);
    expect(busy).toMatchObject({
      batch: 1,
      batchTokens: 10_300,
      heldTokens: 10_000,
      healthy: true,
    });
    expect(busy?.queueMs).toBeCloseTo(prefillMs);
    expect(views.find((view) => view.engine !== engine)).toMatchObject({
      queueMs: 0,
      batch: 0,
      heldTokens: 0,
    });
  });
});
