import { beforeAll, describe, expect, it } from "vitest";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { Talk } from "../support/talk.ts";

/** Words of what is said each time: about three tokens each. */
const LONG = 2000;
const OUTPUT = 40;
const BLOCK_TOKENS = 16;
const DECODE = "split-d/0";

const started = useMesh({ mesh: splitAndPlain(), timeFactor: 0.03 });
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, ["split-p/0", "split-p/1", DECODE]);
});

describe("a conversation whose prefill engine is gone", () => {
  it("is pulled by another from where it was decoded, which a link leads back from", async () => {
    const [split, plain] = ["split", "plain"].map(
      (model) => new Talk(started.mesh, { model, maxTokens: OUTPUT, session: `back-${model}` }),
    );
    if (split === undefined || plain === undefined) throw new Error("there are two");
    const first = await split.say("first", LONG);
    await plain.say("first", LONG);
    expect(first.receipt.work).toMatchObject([{ leg: "prefill" }, { leg: "decode" }]);
    const gone = first.receipt.work[0]?.engine ?? "";
    await engines.fault(gone, "refuse");
    const { receipt, text, status } = await split.say("second", LONG);
    expect(status).toBe(200);
    const served = receipt.work.filter(({ outcome }) => outcome === "served");
    expect(served).toMatchObject([{ leg: "prefill", pull: { from: DECODE } }, { leg: "decode" }]);
    const [prefill] = served;
    expect(prefill?.engine).not.toBe(gone);
    const { entries } = await engines.state(prefill?.engine ?? "");
    const before = first.receipt.promptTokens;
    expect(entries.at(-1)?.pulledTokens).toBeGreaterThan(before - 3 * BLOCK_TOKENS);
    expect(receipt.segments[0]).toMatchObject({ kv: "cached", pulledFrom: DECODE });
    expect(text).toBe((await plain.say("second", LONG)).text);
  });
});

/** Two engines that prefill for one that is slow at it, and an engine that does both. */
function splitAndPlain(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const large = { ...models["llama-3.3-70b"], aliases: [] };
  const link = { transport: "rdma", gbps: 8000, perFlowGbps: 8000, rttMs: 0.1, usdPerGB: 0 };
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { split: large, plain: large },
    pools: {
      "split-p": pool("split", "split-p", ["prefill"], 2),
      "split-d": pool("split", "split-d", ["decode"], 1),
      plain: pool("plain", "plain", ["prefill", "decode"], 1),
    } as unknown as MeshFile["pools"],
    links: [
      { from: "split-p", to: "split-d", ...link },
      { from: "split-d", to: "split-p", ...link },
    ],
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

function pool(model: string, name: string, roles: readonly string[], count: number) {
  const url = `http://127.0.0.1:9100/${name}`;
  return {
    model,
    device: name === "split-p" ? "rubin-cpx" : "jetson",
    devices: name === "split-p" ? 4 : 2,
    region: "iad",
    dialect: "llamacpp",
    roles,
    routed: "us",
    kvLayout: "70b/q8",
    engines: Array.from({ length: count }, (_, n) => ({ id: String(n), url: `${url}/${n}` })),
  };
}
