import { expect, it } from "vitest";
import { ask, receiptOf } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";

const DECODE = "sees-d/0";
const ENCODERS = ["sees-e/0", "sees-e/1", "sees-e/2"];
/** Of base64, as clients send pictures. */
const PICTURE_CHARS = 1_000_000;

const started = useMesh({ mesh: seeingMesh(), timeFactor: 0.1 });
const engines = () => new Engines(started.mesh, [DECODE, ...ENCODERS]);

it("has a picture encoded by the engine that encoded it before, and counts it as one", async () => {
  const first = await shown("a");
  const before = await encodedBy();
  expect(before.toSorted(), "one of them was asked").toEqual([0, 0, 1]);
  const again = await shown("a");
  expect(await encodedBy()).toEqual(before.map((n) => 2 * n));
  for (const { promptTokens, predicted, work } of [first, again]) {
    expect(promptTokens).toBeGreaterThan(765);
    expect(promptTokens).toBeLessThan(1000);
    expect(predicted.ttftMs).toBeLessThan(1000);
    expect(work).toMatchObject([
      { engine: ENCODERS[before.indexOf(1)], leg: "encode", outcome: "served", known: "assumed" },
      { engine: DECODE, leg: "both", outcome: "served" },
    ]);
  }
  expect(again.actual.cachedTokens, "the same picture").toBeGreaterThan(750);
  const other = await shown("b");
  expect(other.actual.cachedTokens, "another picture").toBeLessThan(100);
});

it("is answered by the same engine when what should encode fails", async () => {
  for (const name of ENCODERS) await engines().fault(name, "status", { status: 500 });
  const { status, work } = await shown("c");
  expect(status).toBe("completed");
  expect(work.map(({ engine, leg, outcome }) => [engine, leg, outcome])).toEqual([
    [expect.stringMatching(/^sees-e/), "encode", "failed"],
    [DECODE, "both", "cancelled"],
    [DECODE, "both", "served"],
  ]);
  expect(work[1]?.why).toContain("to encode its media failed");
});

async function shown(letter: string) {
  const url = `data:image/png;base64,${letter.repeat(PICTURE_CHARS)}`;
  const content = [
    { type: "image_url", image_url: { url } },
    { type: "text", text: "What is this?" },
  ];
  const seen = await ask(started.mesh, { model: "sees", messages: [{ role: "user", content }] });
  if (!seen.done) throw new Error(`${seen.status}: ${seen.error ?? seen.text}`);
  return receiptOf(started.mesh, seen);
}

async function encodedBy(): Promise<number[]> {
  const states = await Promise.all(ENCODERS.map((name) => engines().state(name)));
  return states.map(({ encodedMedia }) => encodedMedia);
}

/** One engine that sees, and three smaller ones to encode for it. */
function seeingMesh(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const model = { ...models["llama-3.3-70b"], aliases: [] };
  const common = { model: "sees", region: "iad", dialect: "llm-d", device: "h200", routed: "us" };
  const pools = {
    "sees-d": { ...common, devices: 4, roles: ["prefill", "decode"], engines: at([DECODE]) },
    "sees-e": { ...common, devices: 1, roles: ["encode"], engines: at(ENCODERS) },
  };
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { sees: model },
    pools: pools as unknown as MeshFile["pools"],
    links: [],
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

function at(names: readonly string[]) {
  return names.map((name) => {
    const id = name.slice(name.lastIndexOf("/") + 1);
    return { id, url: `http://127.0.0.1:9100/${name}`, bootstrapHost: name };
  });
}
