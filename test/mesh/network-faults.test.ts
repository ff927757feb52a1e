import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, receiptOf, words } from "../support/ask.ts";
import { campaign, expectHonest, failedOn } from "../support/campaign.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames, meshFile } from "../support/mesh-file.ts";
import { TcpProxy, type Trouble } from "../support/tcp-proxy.ts";

/** Pools whose engines have a network of their own to misbehave: those that answer for the large model. */
const POOLS = ["h200-iad", "h200-ams", "h200-use1", "b200-nrt", "tpu-use1", "trn2-euw1"];

/** By engine. */
const proxies = new Map<string, TcpProxy>();
let engines: Engines;

const started = useMesh(async () => {
  const mesh = meshFile();
  for (const pool of POOLS) {
    for (const engine of mesh.pools[pool]?.engines ?? []) {
      const proxy = await TcpProxy.start();
      const name = `${pool}/${engine.id}`;
      proxies.set(name, proxy);
      engine.url = `${proxy.url}/${name}`;
    }
  }
  return {
    mesh,
    timeFactor: 0.1,
    turnSettings: { keepAliveMs: 200, firstTokenTimeoutMs: 1500, idleTimeoutMs: 1000 },
  };
});

beforeAll(() => {
  const targetPort = Number(new URL(started.mesh.emulatorUrl).port);
  for (const proxy of proxies.values()) proxy.targetPort = targetPort;
  engines = new Engines(started.mesh, engineNames());
});
afterAll(async () => {
  for (const proxy of proxies.values()) await proxy.stop();
});

/** What a decode engine never fetched stays at its prefill engine until the lease ends: emulated 30 s. */
const QUIET_MS = 30_000 * 0.1 + 1000;

describe("while 50 streams run, the network to one engine", () => {
  it.each<[string, Trouble]>([
    ["refuse connections", "refuse"],
    ["reset connections at each request", "reset-on-request"],
    ["reset streams in the middle", { kind: "reset", afterBytes: 2000 }],
    ["end streams early", { kind: "end", afterBytes: 2000 }],
    ["fall silent in the middle", { kind: "stall", afterBytes: 2000 }],
    ["fall silent before the first byte", { kind: "stall", afterBytes: 0 }],
  ])("may %s and no request that had no content fails", async (_, trouble) => {
    let struck = 0;
    for (let tries = 0; struck === 0 && tries < 20; tries += 1) {
      const since = Date.now();
      let victim = "";
      const outcomes = await campaign(
        started.mesh,
        { edge: 1 },
        {
          async before() {
            victim = await engines.busiest([...proxies.keys()], (leg) => leg.startedAt >= since);
            await proxies.get(victim)?.set(trouble);
          },
        },
      );
      await proxies.get(victim)?.set("none");
      expectHonest(outcomes);
      await engines.noneOpen();
      struck = failedOn(outcomes, victim).length;
    }
    expect(struck, "legs the network ended").toBeGreaterThan(0);
  });

  it("may bring an answer a byte at a time, and clients get it byte for byte", async () => {
    const { mesh } = started;
    const messages = [{ role: "user", content: words("dribble", 50) }];
    const question = { messages, maxTokens: 20 };
    const smooth = await ask(mesh, question);
    for (const proxy of proxies.values()) await proxy.set("dribble");
    const met = () => [...proxies.values()].reduce((sum, proxy) => sum + proxy.met, 0);
    // Until one of them is answered through a proxy.
    for (let tries = 0; met() === 0 && tries < 40; tries += 1) {
      const seen = await ask(mesh, question);
      expect(seen).toMatchObject({ done: true, text: smooth.text, contentFrames: 20 });
      expect(await receiptOf(mesh, seen)).toMatchObject({ status: "completed" });
    }
    expect(met(), "answers that came a byte at a time").toBeGreaterThan(0);
    for (const proxy of proxies.values()) await proxy.set("none");
  });

  it("leaves no leg open and no blocks held anywhere in the end", async () => {
    await engines.quiet(QUIET_MS);
  });
});
