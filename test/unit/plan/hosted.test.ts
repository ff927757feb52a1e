import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, planInput, pool, view } from "./plan-fixtures.ts";

const CHEAP = { in: 0.5, cached: 0.05, out: 1 };
const hosted = (id: string, perMTok = CHEAP) =>
  pool(id, { routed: "itself", perMTok, engineCount: 1, dialect: "openai" });

/** The terms of each pool's placement. */
function termsOf(
  pools: readonly ReturnType<typeof pool>[],
  views: readonly ReturnType<typeof view>[],
  members: Parameters<typeof ask>[0] = {},
) {
  const planned = fleet({ poolList: pools, links: [] });
  const byPool = new Map(views.map((one) => [one.engine.split("/")[0], one]));
  const { placements, refusals } = plan(
    planInput({
      fleet: planned,
      ask: ask(members),
      views: (id) => [byPool.get(id)].flatMap((one) => one ?? []),
    }),
  );
  return {
    refusals,
    chosen: placements[0]?.decode.pool,
    of: Object.fromEntries(placements.map(({ decode, terms }) => [decode.pool, terms])),
  };
}

describe("a hosted pool of which something was seen", () => {
  const seen = { firstMs: 900, msPerToken: 0.02, stepMs: 4 };

  it("is planned with that: its wait, its prefill of what is not cached, its speed", () => {
    const { of } = termsOf([hosted("api")], [view("api/0", { heldTokens: 15_000, seen })]);
    expect(of["api"]).toMatchObject({ queueMs: 896, prefillMs: 100, tpotMs: 4 });
  });

  it("is planned by its device's figures before", () => {
    const ours = pool("ours", { engineCount: 1 });
    const { of } = termsOf([hosted("api"), ours], [view("api/0"), view("ours/0")]);
    const { prefillMs, tpotMs, queueMs } = of["ours"] ?? {};
    expect(of["api"]).toMatchObject({ prefillMs, tpotMs, queueMs });
  });

  it("loses a turn to another that answers sooner at the same price", () => {
    const pools = [hosted("busy"), hosted("idle")];
    const busy = view("busy/0", { seen: { ...seen, firstMs: 5000 } });
    expect(termsOf(pools, [busy, view("idle/0", { seen })]).chosen).toBe("idle");
  });
});

it("is billed by the token, cached ones at their own price", () => {
  const { of } = termsOf([hosted("api")], [view("api/0", { heldTokens: 15_000 })]);
  expect(of["api"]?.usd).toBeCloseTo((5000 * 0.5 + 15_000 * 0.05 + 300 * 1) / 1e6, 12);
});

it("is left out while its limits are used up", () => {
  const full = view("api/0", { healthy: false, rests: true, opensInMs: 9000 });
  const { refusals, chosen } = termsOf([hosted("api"), hosted("other")], [full, view("other/0")]);
  expect(chosen).toBe("other");
  expect(refusals).toMatchObject({ unhealthy: 1 });
});

describe("leaving a hosted pool that has the prefix cached", () => {
  const held = view("api/0", { heldTokens: 15_000 });
  const discountUsd = (15_000 * 0.45) / 1e6;
  const left = (members: Parameters<typeof ask>[0] = {}, other = hosted("other")) =>
    termsOf([hosted("api"), other], [held, view(`${other.id}/0`)], members).of;

  it("costs its discount again as far as the session is expected to come back, staying nothing", () => {
    const timeUsd = (turns: number) =>
      withoutPrices({ remainingTurns: turns })["other"]?.leaveUsd ?? 0;
    for (const [turns, chance] of [
      [1, 0.1],
      [5, 0.5],
      [50, 1],
    ] as const) {
      const of = left({ remainingTurns: turns });
      expect(of["api"]?.leaveUsd).toBe(0);
      expect((of["other"]?.leaveUsd ?? 0) - timeUsd(turns)).toBeCloseTo(chance * discountUsd, 9);
    }
  });

  it("costs in each later turn what the other pool asks more for the prefix", () => {
    const dear = { in: 0.5, cached: 0.5, out: 1 };
    const more = left({ remainingTurns: 4 }, hosted("other", dear))["other"]?.leaveUsd ?? 0;
    const same = left({ remainingTurns: 4 })["other"]?.leaveUsd ?? 0;
    expect(more - same).toBeCloseTo(4 * discountUsd, 9);
  });

  it("costs no discount in the last turn, nor where turns come later than it lasts", () => {
    expect(left({ remainingTurns: 0 })["other"]?.leaveUsd).toBe(0);
    const timeUsd = withoutPrices({ remainingTurns: 5 })["other"]?.leaveUsd;
    expect(left({ remainingTurns: 5, gapMs: 301_000 })["other"]?.leaveUsd).toBe(timeUsd);
    expect(left({ remainingTurns: 5, gapMs: 299_000 })["other"]?.leaveUsd).toBeGreaterThan(
      timeUsd ?? Infinity,
    );
  });

  it("keeps a session there that another pool would serve as well", () => {
    const pools = [hosted("api"), hosted("other")];
    expect(termsOf(pools, [held, view("other/0")]).chosen).toBe("api");
  });

  it("costs nothing among pools of ours, whatever prices they show", () => {
    const ours = (id: string) => pool(id, { engineCount: 1, perMTok: CHEAP });
    const plain = (id: string) => pool(id, { engineCount: 1 });
    const views = [view("a/0", { heldTokens: 15_000 }), view("b/0")];
    expect(termsOf([ours("a"), ours("b")], views)).toEqual(
      termsOf([plain("a"), plain("b")], views),
    );
  });

  /** The same with a provider that takes nothing off: what leaving costs in time. */
  function withoutPrices(members: Parameters<typeof ask>[0]) {
    const flat = { in: 0.5, cached: 0.5, out: 1 };
    const pools = [hosted("api", flat), hosted("other", flat)];
    return termsOf(pools, [held, view("other/0")], members).of;
  }
});
