import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SessionView } from "../../src/rpc/session-messages.ts";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { get } from "../support/ask.ts";
import { Engines, type Leg } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";
import { type Said, Talk } from "../support/talk.ts";

/** Words of what the client says first: about three tokens each. */
const LONG = 300;
const SHORT = 20;
const OUTPUT = 40;
const BLOCK_TOKENS = 16;

/** By the tier that their conversations fit. */
const ENGINES = { edge: "narrow/0", object: "wide/0" } as const;
const PLAIN = { edge: "narrow-plain", object: "wide-plain" } as const;
const BYTES_PER_TOKEN = { edge: 2048, object: 16_384 };

describe.each(["edges", "region workers"])("a mesh whose engines are reached by %s", (how) => {
  const started = useMesh({ mesh: twoModels(), regionWorkers: how === "region workers" });
  let engines: Engines;

  beforeAll(() => {
    engines = new Engines(started.mesh, [...Object.values(ENGINES), "split-p/0", "split-d/0"]);
  });

  beforeEach(async () => {
    for (const engine of Object.values(ENGINES))
      await engines.settings(engine, { kvStreams: "whole" });
  });

  describe.each(["edge", "object"] as const)(
    "whose conversations are kept in tier `%s`",
    (tier) => {
      const engine = ENGINES[tier];

      it.each(["stream", "whole"] as const)(
        "computes nothing again of what it had before its engine restarted, as a %s",
        async (as) => {
          const { talk, plain } = talks(tier);
          const first = await talk.say("first", LONG, as);
          await plain.say("first", LONG, as);
          const tokens = first.receipt.promptTokens + OUTPUT - 1;
          expect(first.receipt.exported).toMatchObject({ tier, engine, tokens });
          expect(first.receipt.exported?.bytes).toBeGreaterThan(tokens * BYTES_PER_TOKEN[tier]);
          await engines.restart(engine);
          const second = await talk.say("second", SHORT, as);
          const leg = await legOf(second);
          const { promptTokens, work } = second.receipt;
          expect(leg).toMatchObject({
            leg: "both",
            cachedTokens: 0,
            pulledTokens: tokens,
            computedTokens: promptTokens - tokens,
          });
          expect(work).toMatchObject([
            { outcome: "served", cachedTokens: tokens, imported: { tier, engine } },
          ]);
          expect(work[0]?.imported?.bytes).toBe(first.receipt.exported?.bytes);
          expect(second.cachedTokens).toBe(tokens);
          expect(second.text).toBe((await plain.say("second", SHORT, as)).text);
          for (const { raw } of [first, second]) expect(raw).not.toMatch(/kv_|fetched/);
        },
      );

      it("brings nothing to an engine that lives on", async () => {
        const { talk } = talks(tier);
        const first = await talk.say("first", LONG);
        const second = await talk.say("second", SHORT);
        const leg = await legOf(second);
        expect(leg.pulledTokens).toBe(0);
        expect(leg.cachedTokens).toBeGreaterThan(first.receipt.promptTokens - BLOCK_TOKENS);
        const { imported } = second.receipt.work[0] ?? {};
        expect(imported?.reasons.at(-1)).toBe("its engine has not restarted since");
        expect(imported).not.toHaveProperty("tokens");
      });

      it("keeps nothing of a stream that was cut, and computes again", async () => {
        await engines.settings(engine, { kvStreams: "cut" });
        const { talk, plain } = talks(tier);
        const first = await talk.say("first", LONG);
        await plain.say("first", LONG);
        expect(first.receipt.exported).toMatchObject({ tier, failed: "the transfer broke off" });
        expect(await storedOf(talk)).toEqual([]);
        await engines.restart(engine);
        const second = await talk.say("second", SHORT);
        await expectAllComputed(second);
        expect(second.text).toBe((await plain.say("second", SHORT)).text);
      });

      it("computes again where what was kept is corrupt, and keeps that no longer", async () => {
        await engines.settings(engine, { kvStreams: "corrupt" });
        const { talk, plain } = talks(tier);
        const first = await talk.say("first", LONG);
        await plain.say("first", LONG);
        expect(await storedOf(talk)).toMatchObject([{ tier }]);
        await engines.settings(engine, { kvStreams: "cut" });
        await engines.restart(engine);
        const second = await talk.say("second", SHORT);
        await expectAllComputed(second);
        expect(second.receipt.work[0]?.imported?.failed).toBe("the engine answered 422");
        expect(second.text).toBe((await plain.say("second", SHORT)).text);
        expect(first.receipt.exported?.failed).toBeUndefined();
        expect(await storedOf(talk)).toEqual([]);
      });

      it("shows what it keeps with the session, and erases it with that", async () => {
        const { talk } = talks(tier);
        const { receipt } = await talk.say("first", LONG);
        expect(await storedOf(talk)).toEqual([
          {
            tier,
            from: engine,
            links: expect.any(Number),
            tokens: receipt.exported?.tokens,
            bytes: receipt.exported?.bytes,
            known: "reported",
            at: receipt.exported?.startedAt,
          },
        ]);
        await erase(talk);
        await engines.restart(engine);
        const second = await talk.say("second", SHORT);
        await expectAllComputed(second);
        expect(second.receipt.work[0]).not.toHaveProperty("imported");
      });

      it("says why nothing is kept of a pool that exports nothing", async () => {
        const { plain } = talks(tier);
        const { receipt } = await plain.say("first", LONG);
        expect(receipt.exported).toEqual({
          engine: `${PLAIN[tier]}/0`,
          tokens: receipt.promptTokens + OUTPUT,
          reasons: ["its pool exports nothing"],
        });
      });
    },
  );

  it("brings a split conversation to the prefill engine, though every engine restarted", async () => {
    conversations += 1;
    const session = `kv-${conversations}`;
    const talk = new Talk(started.mesh, { model: "split", maxTokens: OUTPUT, session });
    const first = await talk.say("first", LONG);
    expect(first.receipt).toMatchObject({ mode: "disaggregated", exported: { tier: "edge" } });
    for (const engine of ["split-p/0", "split-d/0"]) await engines.restart(engine);
    const second = await talk.say("second", LONG);
    const tokens = first.receipt.exported?.tokens ?? 0;
    expect(second.receipt).toMatchObject({
      mode: "disaggregated",
      work: [
        {
          engine: "split-p/0",
          leg: "prefill",
          cachedTokens: tokens,
          imported: { tier: "edge", engine: "split-p/0", tokens },
        },
        { engine: "split-d/0", leg: "decode" },
      ],
    });
    expect(await legOf(second)).toMatchObject({
      engine: "split-p/0",
      pulledTokens: tokens,
      computedTokens: second.receipt.promptTokens - tokens,
    });
  });

  /** A conversation, and the same where nothing is kept and nothing restarts. */
  function talks(tier: keyof typeof ENGINES) {
    conversations += 1;
    const session = `kv-${conversations}`;
    const model = ENGINES[tier].split("/")[0] as string;
    const ask = { maxTokens: OUTPUT, session };
    const talk = Object.assign(new Talk(started.mesh, { ...ask, model }), { session });
    return { talk, plain: new Talk(started.mesh, { ...ask, model: PLAIN[tier] }) };
  }

  async function legOf({ receipt }: Said): Promise<Leg> {
    const ids = new Set(receipt.work.map(({ requestId }) => requestId));
    const [leg] = (await engines.legsSince(0)).filter(({ requestId }) => ids.has(requestId));
    if (leg === undefined) throw new Error("no engine knows the turn");
    return leg;
  }

  async function expectAllComputed(said: Said): Promise<void> {
    const { pulledTokens, computedTokens, promptTokens } = await legOf(said);
    expect({ pulledTokens, computedTokens }).toEqual({
      pulledTokens: 0,
      computedTokens: promptTokens,
    });
    expect(said.receipt.status).toBe("completed");
  }

  async function storedOf({ session }: { readonly session: string }) {
    const view = (await (await get(started.mesh, `sessions/${session}`)).json()) as SessionView;
    return view.branches.flatMap(({ residency }) => residency.filter((held) => "from" in held));
  }

  async function erase({ session }: { readonly session: string }): Promise<void> {
    const headers = { authorization: `Bearer ${started.mesh.key}` };
    const url = `${started.mesh.edges[1]?.url}/v1/sessions/${session}`;
    expect((await fetch(url, { method: "DELETE", headers })).status).toBe(200);
  }
});

let conversations = 0;

/** Two models on one CPU each, whose caches differ in size; and each again where nothing is exported. */
function twoModels(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const small = { ...models["llama-3.1-8b"], aliases: [] };
  const narrow = { ...small, kvBytesPerToken: BYTES_PER_TOKEN.edge };
  const wide = { ...small, kvBytesPerToken: BYTES_PER_TOKEN.object };
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { narrow, wide, "narrow-plain": narrow, "wide-plain": wide, split: narrow },
    pools: {
      narrow: pool("narrow", "auto"),
      wide: pool("wide", "auto"),
      "narrow-plain": pool("narrow-plain", "never"),
      "wide-plain": pool("wide-plain", "never"),
      "split-p": { ...phase("split-p", "prefill"), device: "apple-silicon" },
      "split-d": phase("split-d", "decode"),
    } as unknown as MeshFile["pools"],
    links: [
      {
        from: "split-p",
        to: "split-d",
        transport: "tcp",
        gbps: 10,
        perFlowGbps: 10,
        rttMs: 0.5,
        usdPerGB: 0,
      },
    ],
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

function pool(model: string, kvExport: "auto" | "never") {
  return {
    model,
    device: "cpu",
    region: "iad",
    dialect: "llamacpp",
    roles: ["prefill", "decode"],
    routed: "us",
    kvExport,
    engines: [{ id: "0", url: `http://127.0.0.1:9100/${model}/0` }],
  };
}

function phase(name: string, role: "prefill" | "decode") {
  return { ...pool(name, "auto"), model: "split", roles: [role], kvLayout: "split/f16" };
}
