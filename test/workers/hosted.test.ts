import { describe, expect, it } from "vitest";
import type { WorkersAi } from "../../workers/edge/workers-ai.ts";
import { ask, createEdge, type EdgeOptions } from "./edge.ts";
import { politely, streamOf } from "./fake-engine.ts";
import { testMesh } from "./test-mesh.ts";

const perMTok = { in: 1, cached: 0.1, out: 2 };
const API = {
  ...testMesh.pools["near-ams"],
  routed: "itself",
  perMTok,
  modelName: "vendor/llama-8b-turbo",
  headers: { "x-project": "mesh" },
  promptCacheKey: true,
  engines: [{ id: "0", url: "https://api.vendor.example", apiKeySecret: "ENGINE_KEY" }],
};
const OWN = "@cf/meta/llama-3.1-8b-instruct-fp8-fast";
const AI = {
  ...testMesh.pools["near-ams"],
  dialect: "workers-ai",
  routed: "itself",
  perMTok,
  engines: [{ id: "0", url: `workers-ai://${OWN}` }],
};
const named = { "phaseway-session": "agent-1" };

/** An edge whose only pool of the small model is this one, and whose regions nobody may ask. */
async function edgeOf(pool: object, env: EdgeOptions["env"] = {}) {
  let asked = 0;
  const stub = { reserve: () => Promise.reject(new Error(`asked ${++asked}`)) };
  const edge = await createEdge({
    env: {
      MESH: { ...testMesh, pools: { "big-iad": testMesh.pools["big-iad"], api: pool } },
      REGIONS: { idFromName: () => ({}), get: () => stub } as never,
      ...env,
    },
  });
  return { edge, regionsAsked: () => asked };
}

describe("a hosted API", () => {
  it("is asked without any region, by its own model's name, with its key, headers and cache key", async () => {
    const { edge, regionsAsked } = await edgeOf(API);
    const answer = await edge.chat(ask(), named);
    const session = edge.engine.sent[0]?.headers.get("x-session-affinity");
    expect(await answer.json(), "the model's name as the API says it").toMatchObject({
      model: "m",
    });
    expect(edge.engine.sent).toMatchObject([
      {
        url: "https://api.vendor.example/v1/chat/completions",
        json: { model: "vendor/llama-8b-turbo", prompt_cache_key: session },
      },
    ]);
    expect(session).toMatch(/^[0-9a-f]{24}$/);
    expect(edge.engine.sent[0]?.headers.get("x-project")).toBe("mesh");
    await edge.settled();
    expect(regionsAsked()).toBe(0);
  });

  it("is remembered to hold what it was sent, not what it said", async () => {
    const { edge } = await edgeOf(API);
    const answer = await edge.chat(ask(), named);
    await answer.body?.cancel();
    await edge.settled();
    const id = answer.headers.get("phaseway-session");
    const headers = { authorization: "Bearer sk-acme" };
    const session = await (await edge.call(`/v1/sessions/${id}`, { headers })).json();
    expect(session).toMatchObject({ branches: [{ residency: [{ engine: "api/0", tokens: 20 }] }] });
  });

  it("that is full is not asked before the time it told, and the client hears when that is", async () => {
    const { edge } = await edgeOf(API);
    edge.engine.answers(() => new Response("", { status: 429, headers: { "retry-after": "30" } }));
    for (let i = 0; i < 2; i += 1) {
      const answer = await edge.chat(ask());
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(29);
      await answer.body?.cancel();
    }
    await edge.settled();
    expect(edge.engine.sent).toHaveLength(1);
  });

  it("is left for another pool when its answers tell that its limits are used up", async () => {
    const { edge } = await edgeOf(API);
    const told = {
      "x-ratelimit-limit-requests": "1",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "20s",
    };
    edge.engine.answers((sent) => {
      const answer = politely(sent);
      for (const [name, value] of Object.entries(told)) answer.headers.set(name, value);
      return answer;
    });
    const [first, second] = [await edge.chat(ask()), await edge.chat(ask())];
    expect([first.status, second.status]).toEqual([200, 429]);
    expect(second.headers.get("retry-after")).toBe("20");
    await Promise.all([first.body?.cancel(), second.body?.cancel(), edge.settled()]);
  });
});

describe("Workers AI", () => {
  const usage = {
    prompt_tokens: 20,
    completion_tokens: 2,
    total_tokens: 22,
    prompt_tokens_details: { cached_tokens: 0 },
  };

  it("answers by its binding, with the session's affinity", async () => {
    const ai = binding(() => Response.json({ response: "hello there", usage }));
    const { edge } = await edgeOf(AI, { AI: ai });
    const answer = await edge.chat(ask({ max_tokens: 9 }), named);
    expect(answer.headers.get("phaseway-route")).toContain('decode="api/0"');
    expect(await answer.json()).toMatchObject({
      model: OWN,
      choices: [{ message: { content: "hello there" }, finish_reason: "stop" }],
      usage,
    });
    expect(ai.ran).toMatchObject([
      {
        model: OWN,
        inputs: { max_tokens: 9, messages: ask().messages },
        options: {
          extraHeaders: { "x-session-affinity": expect.stringMatching(/^[0-9a-f]{24}$/) },
        },
      },
    ]);
    expect(ai.ran[0]?.inputs).not.toHaveProperty("model");
    await edge.settled();
    expect(edge.engine.sent, "over HTTP").toEqual([]);
  });

  it("streams as OpenAI does, and the usage is in the books", async () => {
    const frames = [{ response: "hello " }, { response: "there" }, { response: "", usage }];
    const own = () => streamOf([...frames.map((one) => JSON.stringify(one)), "[DONE]"]);
    const { edge } = await edgeOf(AI, { AI: binding(own) });
    const answer = await edge.chat(ask({ stream: true }));
    const text = await answer.text();
    const contents = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, content]) => content);
    expect(contents.join("")).toBe("hello there");
    expect(text).toContain('"finish_reason":"stop"');
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(text, "usage that the client did not ask for").not.toContain('"usage":{');
    await edge.settled();
    const headers = { authorization: "Bearer sk-acme" };
    const id = answer.headers.get("phaseway-receipt");
    const receipt = await (await edge.call(`/v1/receipts/${id}`, { headers })).json();
    expect(receipt).toMatchObject({ status: "completed", promptTokens: 20, outputTokens: 2 });
  });

  it("that is out of capacity is a pool that is full", async () => {
    const full = { internalCode: 3040, description: "Capacity temporarily exceeded" };
    const ai = binding(() => Response.json(full, { status: 429 }));
    const { edge } = await edgeOf(AI, { AI: ai });
    const answers = [await edge.chat(ask()), await edge.chat(ask())];
    expect(answers.map(({ status }) => status)).toEqual([429, 429]);
    await Promise.all(answers.map(({ body }) => body?.cancel()));
    await edge.settled();
    expect(ai.ran).toHaveLength(1);
  });

  it("without its binding is unreachable, and the receipt says what to add", async () => {
    const { edge } = await edgeOf(AI);
    const answer = await edge.chat(ask());
    expect(answer.status).toBeGreaterThanOrEqual(500);
    await answer.body?.cancel();
    await edge.settled();
    const headers = { authorization: "Bearer sk-acme" };
    const id = answer.headers.get("phaseway-receipt");
    const receipt = await (await edge.call(`/v1/receipts/${id}`, { headers })).json();
    expect(receipt).toMatchObject({ work: [{ why: expect.stringContaining("wrangler.toml") }] });
  });
});

type Ran = Parameters<WorkersAi["run"]>;

/** An `AI` binding that answers so, and what it was asked. */
function binding(answer: () => Response) {
  const ran: { model: Ran[0]; inputs: Ran[1]; options: Ran[2] }[] = [];
  return {
    ran,
    async run(...[model, inputs, options]: Ran) {
      ran.push({ model, inputs, options });
      return answer();
    },
  };
}
