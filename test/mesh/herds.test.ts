import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type LocalMesh, startMesh } from "../../workers/local/mesh.ts";
import { ask, words } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { meshFile } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";

describe("bursts of ten conversations at three edges, which see the fleet a second late", () => {
  it("are spread evenly over two pools of four engines", async () => {
    await withHerd(async (herd) => {
      expectEven(await herd.load(11));
    });
  });

  it("neither flood nor avoid an engine that was not there before", async () => {
    await withHerd(async (herd) => {
      await herd.engines.fault(NEWCOMER, "refuse");
      await herd.bursts(2);
      await herd.engines.fault(NEWCOMER, "none");
      const load = await herd.load(12, { from: () => herd.served(NEWCOMER) });
      expectEven(load);
      expect(load[0], "its part").toBeGreaterThan(0.6 * mean(load));
    });
  });

  it("neither flood nor avoid an engine that is back after faults, its cache lost", async () => {
    await withHerd(async (herd) => {
      await herd.bursts(1);
      await herd.engines.fault(NEWCOMER, "status");
      await herd.bursts(2);
      await herd.engines.restart(NEWCOMER);
      await herd.engines.fault(NEWCOMER, "none");
      const load = await herd.load(12, { from: () => herd.served(NEWCOMER) });
      expectEven(load);
      expect(load[0], "its part").toBeGreaterThan(0.6 * mean(load));
    });
  });

  it("do not follow a preamble that all of them share", async () => {
    await withHerd(async (herd) => {
      expectEven(await herd.load(11, { preamble: words("preamble", 2000) }));
    });
  });
});

const NAMES = ["herd-a", "herd-b"].flatMap((pool) => [0, 1, 2, 3].map((n) => `${pool}/${n}`));
const NEWCOMER = "herd-a/0";
const BURST = 10;
/** Of emulated time. */
const EVERY_MS = 2500;
const PAUSE_MS = 1500;
const TIME_FACTOR = 0.25;

/** Each engine's busy time until everything was answered, over the time in which bursts came: above 1 it was late. */
type Load = readonly number[];

function expectEven(load: Load): void {
  expect(mean(load), "busy share").toBeGreaterThan(0.7);
  expect(Math.max(...load) / mean(load), "busiest over mean").toBeLessThan(1.3);
}

class Herd {
  readonly engines: Engines;
  readonly #mesh: LocalMesh;
  #conversations = 0;

  constructor(mesh: LocalMesh) {
    this.#mesh = mesh;
    this.engines = new Engines(mesh, NAMES);
  }

  /** Ten conversations at once, again and again; resolves when all are over, with the time of the last burst. */
  async bursts(count: number, preamble?: string): Promise<number> {
    const all: Promise<void>[] = [];
    const startedAt = Date.now();
    for (let burst = 1; burst <= count; burst++) {
      for (let n = 0; n < BURST; n++) all.push(this.#converse(this.#conversations++, preamble));
      await sleep(startedAt + burst * EVERY_MS * TIME_FACTOR - Date.now());
    }
    const endedAt = Date.now();
    await Promise.all(all);
    return endedAt;
  }

  /** What bursts come to for each engine, counted since `from` where that is told. */
  async load(
    count: number,
    { preamble, from }: { readonly preamble?: string; readonly from?: () => Promise<void> } = {},
  ): Promise<Load> {
    const over = this.bursts(count, preamble);
    await from?.();
    const before = await this.engines.states();
    const startedAt = Date.now();
    const tookMs = ((await over) - startedAt) / TIME_FACTOR;
    const after = await this.engines.states();
    return after.map(({ busyMs }, n) => (busyMs - (before[n]?.busyMs ?? 0)) / tookMs);
  }

  /** Resolves when an engine has answered somebody since. */
  async served(engine: string): Promise<void> {
    const since = Date.now();
    const own = new Engines(this.#mesh, [engine]);
    await until(
      `${engine} to serve`,
      async () => {
        const legs = await own.legsSince(since);
        return legs.some(({ status }) => status === "done") ? true : undefined;
      },
      20_000,
      100,
    );
  }

  /** Two turns of one conversation at one edge. */
  async #converse(n: number, preamble?: string): Promise<void> {
    const messages: Record<string, unknown>[] = [];
    if (preamble !== undefined) messages.push({ role: "system", content: preamble });
    const lengths = [[2000, 3000, 4000, 1500, 2500][n % 5] ?? 0, 300];
    for (const [turn, length] of lengths.entries()) {
      if (turn > 0) await sleep(PAUSE_MS * TIME_FACTOR);
      messages.push({ role: "user", content: words(`c${n}t${turn}w`, length) });
      const seen = await ask(this.#mesh, { edge: n % 3, messages: [...messages], maxTokens: 4 });
      if (!seen.done) throw new Error(`${seen.status}: ${seen.error ?? seen.text}`);
      messages.push({ role: "assistant", content: seen.text });
    }
  }
}

async function withHerd(run: (herd: Herd) => Promise<void>): Promise<void> {
  const mesh = await startMesh({ mesh: herdMesh(), timeFactor: TIME_FACTOR });
  try {
    await run(new Herd(mesh));
  } finally {
    await mesh.stop();
  }
}

/** A mesh in which the large model has two pools of four engines, half as large as usual. */
function herdMesh() {
  const file = meshFile();
  const small = Object.entries(file.pools).filter(([name]) => /^(groq|h100|embed)-/.test(name));
  const large = ["herd-a", "herd-b"].map((id) => {
    const engines = [0, 1, 2, 3].map((n) => ({
      id: `${n}`,
      url: `http://127.0.0.1:9100/${id}/${n}`,
    }));
    return [id, { ...(file.pools["h200-use1"] as object), devices: 2, engines }] as const;
  });
  return { ...file, pools: Object.fromEntries([...small, ...large]), links: [], rules: [] };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
