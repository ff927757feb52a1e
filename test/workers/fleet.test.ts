import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { continentsOf } from "../../src/core/continents.ts";
import type { FleetPush } from "../../src/rpc/fleet-messages.ts";
import {
  createFleets,
  createRegions,
  type FleetStub,
  type Namespace,
} from "../../src/rpc/objects.ts";
import type { SeenEngine } from "../../src/rpc/region-messages.ts";
import { CallCounts } from "../../workers/bench/counted-calls.ts";
import { fleetOf } from "../../workers/edge/fleet.ts";
import { ask, createEdge } from "./edge.ts";
import { freshFleet } from "./fresh-fleet.ts";
import { regionReserve } from "./region-asks.ts";
import { testMesh } from "./test-mesh.ts";

describe("a Fleet object", () => {
  it("tells the newest snapshot of every shard, and how old it is", async () => {
    const fleet = freshFleetObject();
    await fleet.push(pushOf("iad", 1));
    await fleet.push(pushOf("ams", 2));
    await fleet.push(pushOf("iad", 3));
    const told = await fleet.read({ v: 1, mesh: "m1" });
    if (!told.ok) throw new TypeError(told.code);
    const batches = told.told.map(({ shard, snapshot }) => [shard, snapshot.engines[0]?.batch]);
    expect(Object.fromEntries(batches)).toEqual({ iad: 3, ams: 2 });
    for (const { ageMs } of told.told) expect(ageMs).toBeLessThan(1000);
  });

  it("tells nothing of the engines of another mesh", async () => {
    const fleet = freshFleetObject();
    await fleet.push(pushOf("iad", 1));
    expect(await fleet.read({ v: 1, mesh: "m2" })).toEqual({ ok: true, v: 1, told: [] });
  });

  it("answers messages of another version with a value", async () => {
    const fleet = freshFleetObject();
    const unknown = { ok: false, v: 1, code: "unknown_version" };
    const v = 2 as unknown as 1;
    expect(await fleet.push({ ...pushOf("iad", 1), v })).toEqual(unknown);
    expect(await fleet.read({ v, mesh: "m1" })).toEqual(unknown);
  });
});

describe("a region with traffic", () => {
  it("is known on every continent, of which none is its own", async () => {
    const { version } = fleetOf(testMesh);
    const regions = createRegions(env.REGIONS, freshFleet());
    await regions("ams").reserve(regionReserve("ams", "near-ams"));
    const continents = continentsOf(fleetOf(testMesh));
    expect(continents).toHaveLength(2);
    for (const continent of continents) {
      const batchOf = async () => {
        const told = await createFleets(env.FLEETS)(continent).read({ v: 1, mesh: version });
        if (!told.ok) throw new TypeError(told.code);
        const ams = told.told.find(({ shard }) => shard === "ams");
        return ams?.snapshot.engines.map(({ batch }) => batch).toSorted();
      };
      await vi.waitFor(async () => expect(await batchOf()).toEqual([0, 1]));
    }
  });
});

describe("an edge", () => {
  it("reads what regions tell once in many turns, and never on a turn's way", async () => {
    const calls = new CallCounts();
    const mute = fleetsOf(() => new Promise(() => {}));
    const edge = await createEdge({ env: { FLEETS: calls.of(mute, "Fleet") } });
    for (let turn = 0; turn < TURNS; turn += 1) {
      const answer = await edge.chat(ask());
      expect(answer.status).toBe(200);
      await answer.text();
    }
    await edge.settled();
    const reads = calls.calls.get("Fleet.read") ?? 0;
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThanOrEqual(TURNS / 5);
  });

  it("plans by what a region that it never asked has told of its engines", async () => {
    const unwell = { ...seen("big-iad/0"), healthy: false, opensInMs: 60_000 };
    const told = [{ shard: "iad", ageMs: 100, snapshot: { engines: [unwell] } }];
    const edge = await createEdge({
      env: { FLEETS: fleetsOf(() => Promise.resolve({ ok: true, v: 1, told })) },
    });
    await (await edge.chat(ask())).text();
    await edge.settled();
    const answer = await edge.chat(ask({ model: "large" }));
    expect(answer.status).toBe(503);
    expect(edge.engine.sent.filter(({ url }) => url.includes("llama-70b"))).toEqual([]);
  });
});

describe("two shards of a region", () => {
  it("each grant the engines of their own pool, and know of no others", async () => {
    const fleet = freshFleet({ shards: "pool" });
    const shards = createRegions(env.REGION_SHARDS, fleet);
    const engines = async (shard: string, pool: string) => {
      const reply = await shards(shard).reserve(regionReserve(shard, pool));
      if (!reply.ok) throw new TypeError(reply.code);
      return { ...reply, engines: reply.snapshot?.engines.map(({ engine }) => engine) };
    };
    const far = await engines("iad/far-iad", "far-iad");
    const big = await engines("iad/big-iad", "big-iad");
    expect([far.answer.kind, big.answer.kind]).toEqual(["granted", "granted"]);
    expect([far.engines, big.engines]).toEqual([["far-iad/0"], ["big-iad/0"]]);
    expect(far.memory).not.toBe(big.memory);
    const stranger = await engines("iad/far-iad", "big-iad");
    expect(stranger.answer).toMatchObject({ kind: "refused" });
  });
});

const TURNS = 20;

function freshFleetObject() {
  return env.FLEETS.get(env.FLEETS.idFromName(crypto.randomUUID()));
}

/** A namespace whose objects answer `read` so. */
function fleetsOf(read: FleetStub["read"]): Namespace<FleetStub> {
  const push = () => Promise.reject(new TypeError("an edge does not push"));
  const fleets: Namespace<FleetStub> = {
    idFromName: (name) => env.FLEETS.idFromName(name),
    get: () => ({ read, push }),
    jurisdiction: () => fleets,
  };
  return fleets;
}

function pushOf(shard: string, batch: number): FleetPush {
  return { v: 1, mesh: "m1", shard, snapshot: { engines: [{ ...seen(`${shard}/0`), batch }] } };
}

function seen(engine: string): SeenEngine {
  return {
    engine,
    queueMs: 0,
    batch: 0,
    batchTokens: 0,
    kvFreeTokens: 1000,
    prefillFactor: 1,
    decodeFactor: 1,
    healthy: true,
  };
}
