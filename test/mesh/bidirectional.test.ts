import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { Engines, type Leg } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { type Said, Talk } from "../support/talk.ts";
import { until } from "../support/until.ts";

const TIME_FACTOR = 0.01;
/** Words of what the client says each time: about three tokens each. */
const LONG = 3000;
const OUTPUT = 160;
/** Of a cache in blocks, and of a conversation that is one token longer than what was decoded. */
const BLOCK_TOKENS = 16;
/** How long a decode engine keeps a conversation: the session's handle lapses before that. */
const KEPT_MS = 480_000 * TIME_FACTOR;

const PREFILL = "keeps-p/0";
const DECODE = "keeps-d/0";

const started = useMesh({ mesh: twoFleets(), timeFactor: TIME_FACTOR });
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, [PREFILL, DECODE, "plain-p/0", "plain-d/0"]);
});

describe("a conversation whose turns are all split", () => {
  it.each(["stream", "whole"] as const)(
    "has what was said fetched from where it was decoded, and only what is new computed, as a %s",
    async (as) => {
      const talks = bothTalks();
      const [first] = await bothSay(talks, "first", as);
      // Whatever it held itself is gone.
      await engines.restart(PREFILL);
      const [second, plain] = await bothSay(talks, "second", as);
      const kept = first.receipt.promptTokens + OUTPUT - 1;
      const { promptTokens, predicted, segments } = second.receipt;
      const [prefill] = await legsOf(second.receipt);
      expect(prefill).toMatchObject({
        engine: PREFILL,
        leg: "prefill",
        cachedTokens: 0,
        pulledTokens: kept,
        computedTokens: promptTokens - kept,
      });
      expect(second.receipt.work[0]).toMatchObject({
        engine: PREFILL,
        outcome: "served",
        cachedTokens: kept,
        computedTokens: promptTokens - kept,
      });
      expect(predicted.cachedTokens).toBe(kept);
      expect(inputOf(segments)).toEqual([
        [0, kept, "cached", PREFILL],
        [kept, promptTokens, "computed", PREFILL],
      ]);
      expect(second.cachedTokens).toBe(kept);
      expect(second.text).toBe(plain.text);
      for (const said of [first, second]) expect(said.raw).not.toMatch(/kv_transfer|remote_/);
    },
  );

  it("has only the last answer fetched by a prefill engine that holds the rest itself", async () => {
    const talks = bothTalks();
    const [first] = await bothSay(talks, "first");
    const [second, plain] = await bothSay(talks, "second");
    const [prefill] = await legsOf(second.receipt);
    const kept = first.receipt.promptTokens + OUTPUT - 1;
    const own = prefill?.cachedTokens ?? 0;
    expect(own).toBeGreaterThan(first.receipt.promptTokens - BLOCK_TOKENS);
    expect(prefill).toMatchObject({ engine: PREFILL, pulledTokens: kept - own });
    expect(inputOf(second.receipt.segments)[0]).toEqual([0, kept, "cached", PREFILL]);
    expect(second.text).toBe(plain.text);
  });

  it("claims nothing of a handle that has lapsed, and has all of the prompt computed", async () => {
    const talks = bothTalks();
    const [first] = await bothSay(talks, "first");
    const lapsed = async () => (await engines.state(DECODE)).leasedBlocks === 0 || undefined;
    expect(await lapsed(), "kept so far").toBeUndefined();
    await until("the decode engine to let go", lapsed, 2 * KEPT_MS);
    await engines.restart(PREFILL);
    const [second, plain] = await bothSay(talks, "second");
    expect(second.receipt.predicted.cachedTokens).toBe(first.receipt.promptTokens);
    await expectAllComputed(second, plain);
  });

  it("goes on after a restart of the engine that decoded it, with all of the prompt computed", async () => {
    const talks = bothTalks();
    await bothSay(talks, "first");
    await engines.restart(PREFILL);
    await engines.restart(DECODE);
    const [second, plain] = await bothSay(talks, "second");
    await expectAllComputed(second, plain);
  });

  it("is computed where it is decoded when it could not be fetched", async () => {
    const talks = bothTalks();
    await bothSay(talks, "first");
    await engines.fault(PREFILL, "load", { times: 1 });
    const [second, plain] = await bothSay(talks, "second");
    expect(second.receipt).toMatchObject({ status: "completed", mode: "together" });
    expect(second.receipt.work).toMatchObject([
      { engine: PREFILL, leg: "prefill", outcome: "failed" },
      { engine: DECODE, leg: "both", outcome: "served" },
    ]);
    expect(second.text).toBe(plain.text);
  });

  it("has nothing fetched once its client has changed what was said", async () => {
    const talks = bothTalks();
    const [first] = await bothSay(talks, "first");
    for (const talk of talks) talk.messages[1] = { role: "assistant", content: "Never mind." };
    const [second, plain] = await bothSay(talks, "second");
    const [prefill] = await legsOf(second.receipt);
    expect(prefill).toMatchObject({ engine: PREFILL, leg: "prefill", pulledTokens: 0 });
    const [[, to = 0, kv] = []] = inputOf(second.receipt.segments);
    expect(kv).toBe("cached");
    expect(to).toBeLessThanOrEqual(first.receipt.promptTokens);
    expect(second.text).toBe(plain.text);
  });
});

type Talks = readonly [keeping: Talk, plain: Talk];

/** The same conversation with both fleets. */
function bothTalks(): Talks {
  conversations += 1;
  const talk = (model: string) =>
    new Talk(started.mesh, { model, maxTokens: OUTPUT, session: `${model}-${conversations}` });
  return [talk("keeps"), talk("plain")];
}

let conversations = 0;

async function bothSay([keeping, plain]: Talks, word: string, as?: "stream" | "whole") {
  const seed = `${word}${conversations}w`;
  const said = [await keeping.say(seed, LONG, as), await plain.say(seed, LONG, as)] as const;
  for (const { status, receipt } of said) {
    expect(status).toBe(200);
    expect(receipt.status).toBe("completed");
  }
  return said;
}

/** Nothing of the prompt was there, and nobody says so. */
async function expectAllComputed({ receipt, text }: Said, plain: Said): Promise<void> {
  const { promptTokens, mode, segments } = receipt;
  const [prefill] = await legsOf(receipt);
  expect(mode).toBe("disaggregated");
  expect(prefill).toMatchObject({ pulledTokens: 0, computedTokens: promptTokens });
  expect(inputOf(segments)).toEqual([[0, promptTokens, "computed", PREFILL]]);
  expect(text).toBe(plain.text);
}

function inputOf(segments: Receipt["segments"]) {
  return segments
    .filter(({ phase }) => phase === "prefill")
    .map(({ from, to, kv, engine }) => [from, to, kv, engine] as const);
}

/** What its engines did for a turn, in order. */
async function legsOf({ work }: Receipt): Promise<Leg[]> {
  const ids = new Set(work.map(({ requestId }) => requestId));
  const legs = await engines.legsSince(0);
  return legs.filter(({ requestId }) => ids.has(requestId));
}

/** Two fleets alike, but that the decode engine of one keeps what it has for the next turn's prefill. */
function twoFleets(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const large = models["llama-3.3-70b"] as object;
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { keeps: { ...large, aliases: [] }, plain: { ...large, aliases: [] } },
    pools: {
      "keeps-p": pool("keeps", "prefill"),
      "keeps-d": { ...pool("keeps", "decode"), bidirectional: true },
      "plain-p": pool("plain", "prefill"),
      "plain-d": pool("plain", "decode"),
    } as unknown as MeshFile["pools"],
    links: ["keeps", "plain"].map((model) => ({
      from: `${model}-p`,
      to: `${model}-d`,
      transport: "rdma",
      gbps: 400,
      perFlowGbps: 400,
      rttMs: 0.1,
      usdPerGB: 0,
    })),
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

/** The engine that decodes is so slow at prompts that a long message is always worth splitting. */
function pool(model: string, role: "prefill" | "decode") {
  const isPrefill = role === "prefill";
  return {
    model,
    device: isPrefill ? "rubin-cpx" : "jetson",
    devices: isPrefill ? 4 : 2,
    region: "iad",
    dialect: "vllm-nixl",
    roles: [role],
    routed: "us",
    kvLayout: `${model}/bf16`,
    engines: [{ id: "0", url: `http://127.0.0.1:9100/${model}-${isPrefill ? "p" : "d"}/0` }],
  };
}
