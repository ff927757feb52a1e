import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grant } from "../../../src/core/grant/grant.ts";
import { observe } from "../../../src/core/grant/measured.ts";
import { decodeFactor, prefillFactor } from "../../../src/core/grant/region-state.ts";
import {
  done,
  failed,
  firstToken,
  lapse,
  released,
  renew,
} from "../../../src/core/grant/report.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask } from "../plan/plan-fixtures.ts";
import { booked, chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

const EMPTY = { batch: 0, batchTokens: 0, kvTokens: 0, unindexedTokens: 0, live: 0 };

describe("freeing", () => {
  it("frees the prefill work at the first token and the rest at the end", () => {
    const state = region({ engineCount: 1 });
    const { ticket } = granted(state, grantAsk());
    firstToken(state, ticket, 100);
    expect(booked(state)).toMatchObject({ batch: 1, kvTokens: 10_300, backlogUntil: 100 });
    done(state, ticket, 500, 20);
    expect(booked(state)).toMatchObject(EMPTY);
    expect(state.tickets.size).toBe(0);
  });

  it("moves up the work behind a prefill that ended early, once", () => {
    const state = region({ engineCount: 1 });
    const first = granted(state, grantAsk({ ...chainOf([1], 10_000) }));
    const second = granted(state, grantAsk({ ...chainOf([2], 10_000) }));
    firstToken(state, first.ticket, 100);
    expect(booked(state).backlogUntil).toBeCloseTo(100 + second.prefillMs);
    released(state, second.ticket, 100);
    expect(booked(state).backlogUntil).toBeCloseTo(100);
  });

  it("ignores tickets that have ended", () => {
    const state = region({ engineCount: 1 });
    const { ticket } = granted(state, grantAsk());
    done(state, ticket, 10);
    done(state, ticket, 20);
    released(state, ticket, 30);
    firstToken(state, ticket, 40);
    expect(booked(state)).toMatchObject(EMPTY);
  });

  it("leaves nothing in the ledger, whatever the order of reports", () => {
    const events = fc.array(fc.tuple(fc.nat(5), fc.nat(9), fc.nat(2000)), { maxLength: 60 });
    fc.assert(
      fc.property(events, (steps) => {
        const state = region({ engineCount: 1 });
        const random = seededRandom(5);
        const tickets: string[] = [];
        let now = 0;
        for (const [event, which, waitMs] of steps) {
          now += waitMs;
          const ticket = tickets[which] ?? "";
          if (event <= 1) {
            const leg = event === 0 ? "both" : "prefill";
            const answer = grant(
              state,
              grantAsk({ leg, ...chainOf([which], 10_000) }),
              now,
              random,
            );
            if (answer.kind === "granted") tickets.push(answer.grant.ticket);
          } else if (event === 2) firstToken(state, ticket, now);
          else if (event === 3) done(state, ticket, now, 50);
          else if (event === 4) failed(state, ticket, now, "status");
          else released(state, ticket, now);
        }
        for (const ticket of tickets) released(state, ticket, now);
        expect(booked(state)).toMatchObject(EMPTY);
        expect(booked(state).backlogUntil).toBeLessThanOrEqual(now + 1e-6);
      }),
    );
  });
});

describe("leases", () => {
  it("lapse when nobody renews them", () => {
    const state = region({ engineCount: 1 });
    const { ticket, prefillMs } = granted(state, grantAsk());
    expect(lapse(state, prefillMs + 14_000)).toBe(0);
    expect(renew(state, ticket, prefillMs + 14_000)).toBe(true);
    expect(lapse(state, prefillMs + 28_000)).toBe(0);
    expect(lapse(state, prefillMs + 30_000)).toBe(1);
    expect(booked(state)).toMatchObject(EMPTY);
    expect(renew(state, ticket, 40_000)).toBe(false);
  });
});

describe("the breaker", () => {
  it("opens after three failures in a row and lets one probe through", () => {
    const state = region({ engineCount: 1 });
    const ask = (now: number) => grant(state, grantAsk(), now, seededRandom(1)).kind;
    for (let i = 0; i < 3; i++) failed(state, granted(state, grantAsk()).ticket, 0, "status");
    expect(ask(4999)).toBe("refused");
    const probe = granted(state, grantAsk(), 5000);
    expect(ask(5000)).toBe("refused");
    failed(state, probe.ticket, 5100, "status");
    expect(ask(5100 + 9999)).toBe("refused");
    const second = granted(state, grantAsk(), 5100 + 10_000);
    firstToken(state, second.ticket, 15_200);
    expect(ask(15_200)).toBe("granted");
  });

  it("counts neither the caller's mistakes nor failures with successes between", () => {
    const state = region({ engineCount: 1 });
    for (let i = 0; i < 5; i++) failed(state, granted(state, grantAsk()).ticket, 0, "caller");
    for (let i = 0; i < 5; i++) {
      failed(state, granted(state, grantAsk()).ticket, 0, "status");
      done(state, granted(state, grantAsk()).ticket, 0);
    }
    expect(grant(state, grantAsk(), 0, seededRandom(1)).kind).toBe("granted");
  });
});

describe("an engine that is full and says for how long", () => {
  it("is left alone until then, and nothing is counted against it", () => {
    const state = region({ engineCount: 1 });
    const ask = (now: number) => grant(state, grantAsk(), now, seededRandom(1));
    for (const now of [0, 2000, 4000, 6000]) {
      failed(state, granted(state, grantAsk(), now).ticket, now, "overloaded", 1500);
      expect(ask(now + 500)).toMatchObject({ kind: "refused", retryAfterMs: 1000 });
    }
    expect(ask(8000).kind).toBe("granted");
  });
});

describe("measured speed", () => {
  it("learns that an engine prefills and decodes more slowly than its class", () => {
    const state = region({ engineCount: 1 });
    let now = 0;
    for (let i = 0; i < 40; i++) {
      const { ticket, stepMs } = granted(state, grantAsk({ ...chainOf([100 + i], 10_000) }), now);
      const engine = state.pools.get("h200")?.engines[0];
      const modelled = engine?.grants.get(ticket)?.modelledPrefillMs ?? 0;
      firstToken(state, ticket, now + 2 * modelled);
      now += 2 * modelled + 99 * 3 * (stepMs / (engine ? decodeFactor(engine, now) : 1));
      done(state, ticket, now, 100);
    }
    const engine = state.pools.get("h200")?.engines[0];
    expect(engine && prefillFactor(engine, now)).toBeGreaterThan(1.7);
    expect(engine && decodeFactor(engine, now)).toBeGreaterThan(2.5);
  });

  it("learns from prompts that only the class has down as short, once it knows that they are not", () => {
    const state = region({ engineCount: 1 });
    const engine = state.pools.get("h200")?.engines[0];
    if (engine === undefined) throw new Error("one engine was asked for");
    let now = 0;
    const prefill = (n: number, tokens: number, times: number) => {
      const chain = chainOf([n], tokens);
      const asked = grantAsk({ ...chain, ask: ask({ promptTokens: tokens }) });
      const { ticket } = granted(state, asked, now);
      const modelledMs = engine.grants.get(ticket)?.modelledPrefillMs ?? NaN;
      now += times * modelledMs;
      firstToken(state, ticket, now);
      done(state, ticket, now);
      now += 1000;
      return modelledMs;
    };
    for (let n = 0; n < 10; n += 1) prefill(n, 10_000, 8);
    expect(prefillFactor(engine, now)).toBeGreaterThan(6);
    for (let n = 10; n < 60; n += 1) expect(prefill(n, 200, 6)).toBeLessThan(50);
    expect(prefillFactor(engine, now)).toBeLessThan(6.2);
    for (let n = 60; n < 160; n += 1) prefill(n, 200, 1);
    expect(prefillFactor(engine, now)).toBeGreaterThan(1.5);
  });

  it("does not take prompts that were computed meanwhile for slow decode", () => {
    const state = region({ engineCount: 1 });
    const engine = state.pools.get("h200")?.engines[0];
    if (engine === undefined) throw new Error("one engine was asked for");
    let now = 0;
    for (let i = 0; i < 20; i++) {
      const one = granted(state, grantAsk({ ...chainOf([100 + i], 10_000) }), now);
      firstToken(state, one.ticket, now + one.prefillMs);
      now += one.prefillMs;
      const next = granted(state, grantAsk({ ...chainOf([500 + i], 10_000) }), now);
      now += next.prefillMs;
      firstToken(state, next.ticket, now);
      done(state, one.ticket, now, 20);
      done(state, next.ticket, now);
    }
    expect(decodeFactor(engine, now)).toBe(1);
  });

  it("lends what one engine taught to a twin that was never asked", () => {
    const state = region({ engineCount: 2 });
    const [first, second] = state.pools.get("h200")?.engines ?? [];
    if (first === undefined || second === undefined) throw new Error("two engines were asked for");
    observe(first.decode, first.pool.decode, [first.decode, second.decode], 3, 0);
    expect(decodeFactor(second, 0)).toBe(decodeFactor(first, 0));
    expect(decodeFactor(second, 0)).toBeGreaterThan(1.5);
  });

  it("holds no single slow answer against one of many engines", () => {
    const state = region({ engineCount: 8 });
    const engines = state.pools.get("h200")?.engines ?? [];
    const mates = engines.map(({ prefill }) => prefill);
    for (const { prefill, pool } of engines) observe(prefill, pool.prefill, mates, 1, 0);
    const [slow] = engines;
    if (slow === undefined) throw new Error("eight engines were asked for");
    observe(slow.prefill, slow.pool.prefill, mates, 4, 0);
    expect(prefillFactor(slow, 0)).toBe(1);
  });

  it("holds against one engine that it is slow, and forgets it in time", () => {
    const state = region({ engineCount: 2 });
    const [slow, twin] = state.pools.get("h200")?.engines ?? [];
    if (slow === undefined || twin === undefined) throw new Error("two engines were asked for");
    const mates = [slow.prefill, twin.prefill];
    observe(twin.prefill, twin.pool.prefill, mates, 1, 0);
    for (let i = 0; i < 20; i++) observe(slow.prefill, slow.pool.prefill, mates, 4, 0);
    expect(prefillFactor(slow, 0)).toBeGreaterThan(3);
    expect(prefillFactor(twin, 0)).toBe(1);
    expect(prefillFactor(slow, 600_000)).toBe(1);
  });
});
