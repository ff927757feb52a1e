import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { type LocalMesh, startMesh } from "../../workers/local/mesh.ts";
import { ask, receiptOf, words, type Seen } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const AMS = 0;
const IAD = 1;
const NRT = 2;

describe("two edges that send a burst of cold prompts each to one pool", () => {
  it.each([2, 4])("keep its %i engines evenly loaded where its region grants", async (engines) => {
    const alone = await twoBursts(engines, false);
    const granted = await twoBursts(engines, true);
    console.log(`${engines} engines, granted by the region:`, granted, "by each edge:", alone);
    expect(granted.loadMaxOverMean).toBeLessThan(1.3);
    expect(granted.guessed, "requests that their region did not answer in time").toBeLessThan(10);
  });
});

describe("callers of three edges", () => {
  const started = useMesh(() => Promise.resolve({ ...onePool(1), timeFactor: 1 }));

  it("get the place of one that leaves within a second", async () => {
    const { mesh } = started;
    const engines = new Engines(mesh, namesOf(1));
    const since = Date.now();
    // About ten seconds of prefill.
    const messages = [{ role: "user", content: words("leaver", 30_000) }];
    const leaver = await RawClient.ask(mesh, { edge: IAD, messages, maxTokens: 4 });
    await until("the leaver to be prefilled", async () =>
      (await engines.legsSince(since)).length === 1 ? true : undefined,
    );
    const waiting = [AMS, NRT].map((edge) => short(mesh, edge, "waiting"));
    await sleep(500);
    expect(await engines.legsSince(since), "the others wait").toHaveLength(1);
    const leftAt = Date.now();
    leaver.reset();
    const next = await until("the next leg to begin", async () =>
      (await engines.legsSince(leftAt)).at(0),
    );
    expect(next.startedAt - leftAt).toBeLessThan(1000);
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
  });
});

const POOL = "h200-ams";
const BURST = 20;

function namesOf(engines: number): string[] {
  return Array.from({ length: engines }, (_, n) => `${POOL}/${n}`);
}

/** A mesh in which only one pool has the large model. */
function onePool(engines: number) {
  const file = meshFile();
  const pools = Object.fromEntries(
    Object.entries(file.pools).filter(([name]) => /^(groq|h100|embed)-/.test(name)),
  );
  const own = Array.from({ length: engines }, (_, n) => ({
    id: `${n}`,
    url: `http://127.0.0.1:9100/${POOL}/${n}`,
  }));
  const pool = { ...(file.pools[POOL] as object), dialect: "openai", engines: own };
  return { mesh: { ...file, pools: { ...pools, [POOL]: pool }, links: [], rules: [] } };
}

/** What a pool's engines had to do, and callers to wait, when two edges sent a burst each at once. */
async function twoBursts(engines: number, regions: boolean) {
  const mesh = await startMesh({ ...onePool(engines), regions, timeFactor: 0.5 });
  try {
    await Promise.all([AMS, IAD].map((edge) => short(mesh, edge, "first")));
    const since = Date.now();
    const seen = await Promise.all([AMS, IAD].flatMap((edge) => burst(mesh, edge)));
    expect(seen.filter(({ done }) => !done).map(({ text }) => text)).toEqual([]);
    const receipts = await Promise.all(seen.map((one, n) => receiptSoon(mesh, one, n)));
    const ttfts = receipts.map(({ actual }) => actual.ttftMs ?? 0);
    const reasons = receipts.map(({ segments }) => segments.at(-1)?.reason ?? "");
    const loads = await prefilled(mesh, engines, since);
    return {
      loadMaxOverMean: Math.max(...loads) / mean(loads),
      meanTtftMs: Math.round(mean(ttfts)),
      guessed: reasons.filter((reason) => reason.includes("did not answer")).length,
    };
  } finally {
    await mesh.stop();
  }
}

/** Tokens that each engine has prefilled since then. */
async function prefilled(mesh: LocalMesh, engines: number, since: number): Promise<number[]> {
  const legs = await new Engines(mesh, namesOf(engines)).legsSince(since);
  const served = legs.filter(({ requestId }) => !requestId.startsWith("probe"));
  return namesOf(engines).map((name) =>
    served
      .filter(({ engine }) => engine === name)
      .reduce((sum, { computedTokens }) => sum + computedTokens, 0),
  );
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** A receipt is written at most a second late, or a probe of the engine later. */
function receiptSoon(mesh: LocalMesh, seen: Seen, n: number): Promise<Receipt> {
  const edge = n < BURST ? AMS : IAD;
  return until("a receipt", () => receiptOf(mesh, seen, edge).catch(() => undefined), 10_000);
}

/** Prompts of very different lengths, as agents send them. */
function burst(mesh: LocalMesh, edge: number): Promise<Seen>[] {
  return Array.from({ length: BURST }, (_, n) => {
    const length = [4000, 2000, 700, 700][(n + edge) % 4] ?? 0;
    const messages = [{ role: "user", content: words(`b${edge}n${n}w`, length) }];
    return ask(mesh, { edge, messages, maxTokens: 8 });
  });
}

function short(mesh: LocalMesh, edge: number, seed: string): Promise<Seen> {
  const messages = [{ role: "user", content: words(`${seed}${edge}w`, 50) }];
  return ask(mesh, { edge, messages, maxTokens: 4 });
}
