import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { words } from "../support/ask.ts";
import { Engines, type Leg } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { type Said, Talk } from "../support/talk.ts";

/** Words of what all conversations begin with, and of what each adds: about three tokens each. */
const SHARED = 1500;
const OWN = 300;
const OUTPUT = 40;
const BLOCK_TOKENS = 16;
const KV_BYTES = 327_680;

const NAMES = ["twins/0", "twins/1"];

let mesh: LocalMesh;
let engines: Engines;

describe.each([
  ["an object", false],
  ["a worker of its own", true],
])("a prefix that many conversations share in a region with %s", (_, regionWorkers) => {
  const started = useMesh({ mesh: twinsAndPlain(), regionWorkers, timeFactor: 0.03 });

  beforeAll(() => {
    mesh = started.mesh;
    engines = new Engines(mesh, NAMES);
  });

  it("is computed once, and pulled by the engine that did not", async () => {
    const crowd = new Crowd();
    const { receipt: first } = await crowd.say(0);
    const shared = sharedTokens(first);
    const all = await crowd.sayAtOnce(4);
    const legs = await legsOf(all);
    expect(new Set(legs.map(({ engine }) => engine))).toEqual(new Set(NAMES));
    const pulled = legs.filter(({ pulledTokens }) => pulledTokens > 0);
    expect(pulled.length, "later ones find it there").toBe(1);
    expect(pulled[0]?.engine).not.toBe(engineOf(first));
    expect(pulled[0]?.pulledTokens).toBeGreaterThan(shared - BLOCK_TOKENS);
    for (const { computedTokens, promptTokens } of legs) {
      expect(computedTokens).toBeLessThanOrEqual(promptTokens - shared + BLOCK_TOKENS);
    }
    await crowd.expectRight(all);
  });

  it("is in the receipt with whom it came from, what was predicted and what came", async () => {
    const crowd = new Crowd();
    const { receipt: first } = await crowd.say(0);
    const all = await crowd.sayAtOnce(2);
    const [receipt] = all.map((one) => one.receipt).filter(({ work }) => work[0]?.pull);
    if (receipt === undefined) throw new Error("none of them pulled");
    const [leg] = receipt.work;
    const from = engineOf(first);
    const [entry] = await legsOf([{ receipt }]);
    const tokens = entry?.pulledTokens ?? 0;
    expect(leg).toMatchObject({
      outcome: "served",
      cachedTokens: tokens,
      pull: { from, bytes: expect.any(Number), ms: expect.any(Number) },
      told: { fetched: { tokens, bytes: tokens * KV_BYTES } },
    });
    // The planner's tokens are estimates.
    expect((leg?.pull?.tokens ?? 0) / tokens).toBeCloseTo(1, 0);
    expect(receipt.segments.filter(({ phase }) => phase === "prefill")).toMatchObject([
      { from: 0, to: tokens, kv: "cached", pulledFrom: from, reason: `pulled from ${from}` },
      { from: tokens, to: receipt.promptTokens, kv: "computed" },
    ]);
    expect(leg).toMatchObject({ computedTokens: receipt.promptTokens - tokens });
    for (const { raw } of all) expect(raw).not.toMatch(/kv_transfer|fetched/);
  });

  it("is computed again where its engine has restarted meanwhile, and nothing fails", async () => {
    const crowd = new Crowd();
    const { receipt: first } = await crowd.say(0);
    await engines.restart(engineOf(first));
    const all = await crowd.sayAtOnce(4);
    for (const { receipt } of all) {
      expect(receipt).toMatchObject({ status: "completed", work: [{ outcome: "served" }] });
    }
    const told = all.flatMap(({ receipt }) => receipt.work.filter(({ pull }) => pull));
    expect(told).toMatchObject([
      { pull: { from: engineOf(first) }, told: { fetched: { failed: expect.any(String) } } },
    ]);
    const legs = await legsOf(all);
    const total = legs.reduce((sum, { computedTokens }) => sum + computedTokens, 0);
    expect(total, "of what was lost").toBeGreaterThan(sharedTokens(first));
    await crowd.expectRight(all);
  });
});

/** Conversations that begin alike, and the same of a fleet whose one engine has nobody to pull from. */
class Crowd {
  static #count = 0;
  readonly #number = Crowd.#count++;
  readonly #said: string[] = [];

  say(n: number, model = "twins"): Promise<Said> {
    const name = `crowd${this.#number}-${n}`;
    const talk = new Talk(mesh, { model, maxTokens: OUTPUT, session: `${model}-${name}` });
    talk.messages.push({ role: "user", content: words(`shared${this.#number}w`, SHARED) });
    this.#said.push(name);
    return talk.say(`${name}w`, OWN);
  }

  /** That many new ones. */
  sayAtOnce(count: number): Promise<Said[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => this.say(n + 1)));
  }

  /** What was said at once is what an engine says that computed all of it. */
  async expectRight(all: readonly Said[]): Promise<void> {
    for (const [n, { text, status }] of all.entries()) {
      expect(status).toBe(200);
      expect(text.length).toBeGreaterThan(0);
      expect(text).toBe((await this.say(n + 1, "plain")).text);
    }
  }
}

/** Prompt tokens of a first turn that all of its crowd have; what follows begins with the same bytes as well. */
function sharedTokens({ promptTokens }: Receipt): number {
  return Math.floor((promptTokens * SHARED) / (SHARED + OWN) / BLOCK_TOKENS) * BLOCK_TOKENS * 0.9;
}

function engineOf({ work }: Receipt): string {
  const [leg] = work;
  if (leg === undefined) throw new Error("no leg ran");
  return leg.engine;
}

async function legsOf(said: readonly Pick<Said, "receipt">[]): Promise<Leg[]> {
  const ids = new Set(
    said.flatMap(({ receipt }) => receipt.work.map(({ requestId }) => requestId)),
  );
  return (await engines.legsSince(0)).filter(({ requestId }) => ids.has(requestId));
}

/** Two engines that are slow at prompts and can pull from one another, and one like them. */
function twinsAndPlain(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const large = { ...models["llama-3.3-70b"], kvBytesPerToken: KV_BYTES };
  const link = { transport: "rdma", gbps: 400, perFlowGbps: 400, rttMs: 0.1, usdPerGB: 0 };
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { twins: { ...large, aliases: [] }, plain: { ...large, aliases: [] } },
    pools: { twins: pool("twins", 2), plain: pool("plain", 1) } as unknown as MeshFile["pools"],
    links: [{ from: "twins", to: "twins", ...link }],
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

function pool(model: string, count: number) {
  const url = `http://127.0.0.1:9100/${model}`;
  return {
    model,
    device: "jetson",
    devices: 2,
    region: "iad",
    dialect: "llamacpp",
    roles: ["prefill", "decode"],
    routed: "us",
    kvLayout: "70b/q8",
    engines: Array.from({ length: count }, (_, n) => ({ id: String(n), url: `${url}/${n}` })),
  };
}
