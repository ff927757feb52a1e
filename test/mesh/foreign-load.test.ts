import { describe, expect, it } from "vitest";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { ask, words } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";

const NAMES = [0, 1, 2].map((n) => `large/${n}`);
const [CROWDED = ""] = NAMES;
const TIME_FACTOR = 0.25;
const OTHERS = 40;

const started = useMesh({ mesh: meshOfOnePool(), timeFactor: TIME_FACTOR });

describe("an engine that others fill without asking the mesh", () => {
  it("is found to be busy by probes, and left to them", async () => {
    const { mesh } = started;
    const engines = new Engines(mesh, NAMES);
    const leave = new AbortController();
    const { signal } = leave;
    const others = Array.from({ length: OTHERS }, (_, n) => crowd(mesh.emulatorUrl, n, signal));
    await until(
      "others to be in the engine",
      async () => ((await engines.state(CROWDED)).open >= OTHERS ? true : undefined),
      5000,
    );
    // Whoever asks anything of a region is told to probe; nobody has sent a prompt to these engines yet.
    for (let n = 0; n < 6; n++) await converse(mesh, `s${n}w`, "small");
    await Promise.all(Array.from({ length: 9 }, (_, n) => converse(mesh, `l${n}w`, "large")));
    const legs = await engines.legsSince(0);
    const ours = legs.filter(({ requestId }) => requestId.startsWith("req_"));
    leave.abort();
    await Promise.all(others);
    expect(ours.filter(({ engine }) => engine === CROWDED)).toEqual([]);
    expect(ours.length).toBeGreaterThanOrEqual(9);
  });
});

async function converse(mesh: LocalMesh, seed: string, model: string): Promise<void> {
  const messages = [{ role: "user", content: words(seed, 300) }];
  const seen = await ask(mesh, { model, messages, maxTokens: 4 });
  expect(seen.error).toBeUndefined();
}

/** A long request of somebody who knows the engine's own address. */
async function crowd(emulatorUrl: string, n: number, signal: AbortSignal): Promise<void> {
  const messages = [{ role: "user", content: words(`f${n}w`, 4000) }];
  const body = JSON.stringify({ messages, max_tokens: 2000, stream: true });
  const url = `${emulatorUrl}/${CROWDED}/v1/chat/completions`;
  const response = await fetch(url, { method: "POST", body, signal }).catch(() => undefined);
  await response?.text().catch(() => "");
}

/** A mesh of one region, in which the large model has one pool of three engines that do both phases. */
function meshOfOnePool() {
  const file = meshFile();
  const small = Object.entries(file.pools).filter(([name]) => /^(h100|embed)-use1$/.test(name));
  const engines = NAMES.map((name, n) => ({ id: `${n}`, url: `http://127.0.0.1:9100/${name}` }));
  const large = ["large", { ...(file.pools["h200-use1"] as object), devices: 2, engines }] as const;
  return { ...file, pools: Object.fromEntries([...small, large]), links: [], rules: [] };
}
