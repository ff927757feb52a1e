import { describe, expect, it } from "vitest";
import type { LegAhead } from "../../../src/region/service.ts";
import type { StoredKv } from "../../../src/rpc/session-messages.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import type { KvDeps } from "../../../src/turn/kv/deps.ts";
import { keepsKv } from "../../../src/turn/kv/export.ts";
import type { Prepared } from "../../../src/turn/prepare.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import { answering, coldTurn, surroundings } from "./turn-fixtures.ts";

const STORED: StoredKv = {
  id: "rct_0",
  tier: "edge",
  links: 2,
  tokens: 19_000,
  bytes: 1_000_000,
  engine: "far/0",
  at: 1,
};

describe("a turn with something stored", () => {
  it("asks nobody about it and waits for nothing where engines export nothing", async () => {
    const { deps, turn, ordered, ahead, touched } = await around({ exports: false });
    expect((await run(deps, turn)).result.ok).toBe(true);
    expect(touched).toEqual([]);
    expect(ahead).toContain(true);
    for (const order of ordered) expect(order).not.toHaveProperty("keeps");
  });

  it("is not begun ahead of what its engine may need first", async () => {
    const { deps, turn, ahead } = await around({ exports: true });
    await run(deps, turn);
    expect(ahead.length).toBeGreaterThan(0);
    expect(ahead).not.toContain(true);
  });

  it("goes on from it, and its engine is asked to keep what comes of it", async () => {
    const { deps, turn, ordered, touched } = await around({ exports: true });
    const { runs } = await run(deps, turn);
    expect(touched).toContain("write");
    expect(ordered.at(-1)).toMatchObject({
      leg: "both",
      handoff: '{"handle":"kv_1"}',
      keeps: true,
    });
    expect(runs.at(-1)?.imported).toMatchObject({ tier: "edge", tokens: 19_000, bytes: 1_000_000 });
  });

  it("computes the prompt where the engine would not take it, and says that it is spoiled", async () => {
    const refused = { ok: false, why: "the engine answered 422", isSpoiled: true } as const;
    const { deps, turn, ordered } = await around({ exports: true, written: refused });
    const { result, runs } = await run(deps, turn);
    expect(result.ok).toBe(true);
    expect(ordered.at(-1)).not.toHaveProperty("handoff");
    expect(runs.at(-1)).toMatchObject({ spoiled: "rct_0", imported: { failed: refused.why } });
  });

  it("does not go on from what another model's or dialect's engines computed", async () => {
    const { deps, turn, touched } = await around({ exports: true, engine: "elsewhere/0" });
    await run(deps, turn);
    expect(touched).not.toContain("write");
  });
});

describe("an engine that could be asked to keep its cache", () => {
  it("is not where the pool exports nothing, or no engine can", async () => {
    const [able, unable] = [await around({ exports: true }), await around({ exports: false })];
    const [pool = ""] = able.deps.fleet.pools.keys();
    expect(keepsKv(able.deps, able.turn, pool)).toBe(true);
    expect(keepsKv(unable.deps, unable.turn, pool)).toBe(false);
    const { kv: _kv, ...without } = able.deps;
    expect(keepsKv(without, able.turn, pool)).toBe(false);
  });
});

type Written = Awaited<ReturnType<KvDeps["engines"]["write"]>>;

/** A turn of a session with something stored, in a fleet of one dialect whose pools always export, if they can. */
async function around(options: {
  readonly exports: boolean;
  readonly written?: Written;
  readonly engine?: string;
}) {
  const found = await surroundings(() => answering());
  const { fleet, region, capabilities } = found.deps;
  const [first] = [...fleet.pools.values()].filter(({ roles }) => roles.includes("decode"));
  if (first === undefined) throw new TypeError("no pool decodes");
  const pool = { ...first, roles: ["prefill", "decode"], kvExport: "always" } as const;
  const ahead: boolean[] = [];
  const touched: string[] = [];
  const model = fleet.models.get(pool.model);
  const small = model && { ...model, kvBytesPerToken: 64 };
  const deps: TurnDeps = {
    ...found.deps,
    fleet: {
      ...fleet,
      pools: new Map([[pool.id, pool]]),
      links: [],
      models: new Map(small && [[small.id, small]]),
    },
    capabilities: (dialect) => ({
      ...capabilities(dialect),
      exportsKv: options.exports
        ? { member: "kv", told: () => ({ tokens: 1, bytes: 1 }) }
        : undefined,
    }),
    region: {
      ...region,
      reserve: (ask, given?: LegAhead) => {
        ahead.push(given !== undefined);
        return region.reserve(ask, given);
      },
    },
    kv: kvDeps(touched, options.written),
  };
  const turn = await coldTurn(deps);
  const stored = { ...STORED, engine: options.engine ?? pool.engines[0]?.id ?? "" };
  const { stats, ...opened } = { v: 1, branch: 0, turns: 1, holdings: [], stats: {} } as const;
  const session = {
    ...turn.session,
    name: "s",
    opened: { ...opened, stats: { ...stats, turns: 3, gapMs: 60_000 }, stored },
  } as unknown as Prepared["session"];
  return { ...found, deps, turn: { ...turn, session }, ahead, touched };
}

function run(deps: TurnDeps, turn: Prepared) {
  return tryPlacements(deps, turn, planTurn(deps, turn));
}

function kvDeps(touched: string[], written?: Written): KvDeps {
  const touch = <T>(name: string, answer: T): T => {
    touched.push(name);
    return answer;
  };
  return {
    keyOf: async () => touch("keyOf", "key"),
    engines: {
      read: async () => touch("read", { ok: false, why: "not here" }),
      write: async () =>
        touch("write", written ?? { ok: true, kind: "written", handle: '{"handle":"kv_1"}' }),
      instance: async () => touch("instance", undefined),
    },
    tiers: {
      get offered() {
        return touch("offered", ["edge", "object"] as const);
      },
      keptMs: 86_400_000,
      keep: async () => touch("keep", { ok: false, why: "not here" } as const),
      open: async () => touch("open", undefined),
    },
  };
}
