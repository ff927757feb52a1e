import { beforeAll, describe, expect, it } from "vitest";
import type { Json } from "miniflare";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { ask, words } from "../support/ask.ts";
import { campaign, expectHonest, failedOn } from "../support/campaign.ts";
import { Conversation } from "../support/conversation.ts";
import { EngineStrike, NOBODY } from "../support/engine-strike.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames, meshFile } from "../support/mesh-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const NRT = 2;
const IAD = 1;
const TIME_FACTOR = 0.1;
/** Words of a turn whose cache is worth coming back for. */
const LONG = 1500;

/** Edges of this mesh have no way to engines but by the workers of their regions. */
describe("a mesh whose regions have workers of their own", () => {
  const started = useMesh({
    regionWorkers: true,
    timeFactor: TIME_FACTOR,
    turnSettings: { keepAliveMs: 200, firstTokenTimeoutMs: 1500, idleTimeoutMs: 1000 },
  });
  let engines: Engines;

  beforeAll(() => {
    engines = new Engines(started.mesh, engineNames());
  });

  it("splits a long cold prompt between two regions, and stays together once warm", () =>
    expectSplit(started));

  it("goes on where the objects beside its workers lose their memory", async () => {
    const conversation = new Conversation("evicted", { session: "evicted" });
    const before = await conversation.turn(started.mesh, IAD, LONG);
    for (const region of new Set(before.segments.map((segment) => segment.region))) {
      await started.mesh.evict("Region", `${region}@1`);
    }
    await started.mesh.evict("Fleet", "fleet/north-america");
    const after = await conversation.turn(started.mesh, IAD);
    const cached = after.segments.filter(({ kv }) => kv === "cached");
    const tokens = cached.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(tokens / before.promptTokens).toBeGreaterThan(0.9);
    expect(after.segments.map(({ reason }) => reason).join()).not.toContain("did not answer");
  });

  it.each([true, false])(
    "ends what a client that leaves was having done (streamed: %s)",
    async (stream) => {
      const since = Date.now();
      const messages = [{ role: "user", content: words(`l${stream}w`, 200) }];
      const question = { messages, stream, maxTokens: 4000, edge: NRT };
      const client = await RawClient.ask(started.mesh, question);
      if (stream) await client.hears(/"content":"[^"]+"/);
      const leg = await until("a leg to run", async () => (await engines.legsSince(since))[0]);
      expect(leg.status).toBe("running");
      client.reset();
      await engines.quiet(2000);
      expect((await engines.legsSince(since)).map(({ status }) => status)).toEqual(["aborted"]);
    },
  );

  it.each(["status", "cut-midstream", "restart"])(
    "loses no request that had no content where an engine meets `%s`",
    async (fault) => {
      let struck = 0;
      for (let tries = 0; struck === 0 && tries < 6; tries += 1) {
        const strike = new EngineStrike(engines, "decode", fault, Date.now());
        const outcomes = await campaign(started.mesh, { edge: IAD }, strike);
        if (strike.victim !== NOBODY) await engines.fault(strike.victim, "none");
        expectHonest(outcomes);
        await engines.noneOpen();
        struck = failedOn(outcomes, strike.victim).length;
      }
      expect(struck, "legs the fault ended").toBeGreaterThan(0);
    },
  );
});

describe("a mesh whose regions are sharded by pool", () => {
  const started = useMesh(async () => ({ mesh: shardedMesh(), timeFactor: TIME_FACTOR }));

  it("splits a long cold prompt between two shards, and stays together once warm", () =>
    expectSplit(started));
});

describe("far from its engines", () => {
  const prompt = (n: number) => [{ role: "user", content: words(`far${n}w`, 20) }];
  const options = { timeFactor: 1, mesh: farMesh() };
  const byObject = useMesh(options);
  const byWorker = useMesh({ ...options, regionWorkers: true });

  it("a request takes a round trip less where its region has a worker", async () => {
    const fastest = async ({ mesh }: typeof byObject) => {
      let leastMs = Infinity;
      for (let n = 0; n < 6; n += 1) {
        const startedAt = performance.now();
        const seen = await ask(mesh, {
          edge: NRT,
          messages: prompt(n),
          maxTokens: 1,
          stream: false,
        });
        expect(seen.status).toBe(200);
        leastMs = Math.min(leastMs, performance.now() - startedAt);
      }
      return leastMs;
    };
    const savedMs = (await fastest(byObject)) - (await fastest(byWorker));
    // From Tokyo to Virginia and back.
    expect(savedMs).toBeGreaterThan(100);
  });
});

async function expectSplit({ mesh }: { readonly mesh: LocalMesh }): Promise<void> {
  const conversation = new Conversation("cold");
  const cold = await conversation.turn(mesh, IAD, 12_000);
  const warm = await conversation.turn(mesh, IAD, 12);
  expect(cold).toMatchObject({ mode: "disaggregated", status: "completed" });
  const [prefill, decode] = cold.segments;
  expect(prefill).toMatchObject({ phase: "prefill", region: "use1" });
  expect(decode).toMatchObject({ phase: "decode", region: "iad" });
  expect(`${prefill?.reason} ${decode?.reason}`).not.toContain("did not answer");
  expect(warm).toMatchObject({ mode: "together", status: "completed" });
  expect(warm.work.map(({ engine }) => engine)).toEqual([decode?.engine]);
}

function shardedMesh() {
  const mesh = meshFile();
  for (const [id, region] of Object.entries(mesh.regions)) {
    const pools = Object.values(mesh.pools) as unknown as { readonly region: string }[];
    if (pools.filter((pool) => pool.region === id).length > 1)
      Object.assign(region as object, { shards: "pool" });
  }
  return mesh;
}

/** Engines in Virginia only. */
function farMesh() {
  const { models, pools, ...mesh } = meshFile();
  const model = "llama-3.3-70b";
  const far = { "h200-iad": pools["h200-iad"] ?? { engines: [] } };
  const only = { [model]: (models as Record<string, Json>)[model] ?? {} };
  return { ...mesh, models: only, pools: far, links: [], rules: [] };
}
