import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ask, AUTH } from "./edge.ts";
import { createEmbeddingEdge, type EmbeddingEdge, VECTORS, vectors } from "./embedding-edge.ts";

let edge: EmbeddingEdge;

beforeAll(async () => {
  edge = await createEmbeddingEdge();
});
afterEach(async () => {
  await edge.settled();
  edge.engine.forget();
});

describe("POST /v1/embeddings", () => {
  it("brings the client's bytes to an engine and its vectors back, byte for byte", async () => {
    edge.engine.answers(() => vectors());
    const body = '{"model":"embed", "input":["a","b"],"dimensions":2,"big":18446744073709551615}';
    const response = await edge.embed(body);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(VECTORS);
    const [sent] = edge.engine.sent;
    expect(sent?.url).toMatch(/\/vectors\/[01]\/v1\/embeddings$/);
    expect(new TextDecoder().decode(sent?.body)).toBe(body.replace('"embed"', '"vectors"'));
  });

  it("passes vectors of several megabytes on", async () => {
    const item = `{"object":"embedding","index":0,"embedding":"${"A".repeat(10_000_000)}"}`;
    const large = VECTORS.replace(/\[ .*\]\}\]/, `[${item}]`);
    edge.engine.answers(() => vectors(large));
    const response = await edge.embed({ model: "embed", input: "a", encoding_format: "base64" });
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toHaveLength(large.length);
  });

  it("is prefilled and nothing more, by its route and its receipt", async () => {
    edge.engine.answers(() => vectors());
    const response = await edge.embed({ model: "embed", input: [1, 2, 3, 4] });
    expect(response.headers.get("phaseway-route")).toMatch(
      /^mode=together, prefill="embed\/[01]"$/,
    );
    await edge.settled();
    const id = response.headers.get("phaseway-receipt") ?? "";
    const receipt = await edge.call(`/v1/receipts/${id}`, { headers: AUTH });
    expect(await receipt.json()).toMatchObject({
      status: "completed",
      promptTokens: 4,
      outputTokens: 0,
      segments: [{ phase: "prefill", from: 0, to: 4 }],
      work: [{ leg: "prefill", outcome: "served", promptTokens: 4, outputTokens: 0 }],
    });
    expect(edge.engine.sent, "nobody probes with a chat").toHaveLength(1);
  });

  it("is no turn of the session that an agent sends with everything", async () => {
    edge.engine.answers(() => vectors());
    const headers = { ...AUTH, "x-session-id": crypto.randomUUID() };
    const response = await edge.embed({ model: "embed", input: "hi" }, headers);
    expect(response.status).toBe(200);
    expect(response.headers.has("phaseway-session")).toBe(false);
  });

  it("goes to another engine when one breaks or answers with something else", async () => {
    const broken = [new Response(null, { status: 503 }), vectors('{"data":[]}')];
    for (const first of broken) {
      edge.engine.forget();
      let tries = 0;
      edge.engine.answers(() => (tries++ === 0 ? first : vectors()));
      const response = await edge.embed({ model: "embed", input: "hi" });
      expect(await response.text()).toBe(VECTORS);
      expect(edge.engine.sent).toHaveLength(2);
    }
  });

  it("asks a hosted API by its own name for the model, and adds nothing else", async () => {
    const hosted = await createEmbeddingEdge(
      {},
      {
        routed: "itself",
        perMTok: { in: 0.02, cached: 0.02, out: 0 },
        modelName: "vendor/embed-3",
        promptCacheKey: true,
        engines: [{ id: "0", url: "https://api.vendor.example" }],
      },
    );
    hosted.engine.answers(() => vectors());
    const response = await hosted.embed({ model: "embed", input: ["a"] });
    expect(await response.text()).toBe(VECTORS);
    expect(hosted.engine.sent[0]?.json).toEqual({ model: "vendor/embed-3", input: ["a"] });
    await hosted.settled();
    const id = response.headers.get("phaseway-receipt") ?? "";
    const receipt = await hosted.call(`/v1/receipts/${id}`, { headers: AUTH });
    expect(await receipt.json()).toMatchObject({
      outputTokens: 0,
      actual: { usd: (4 * 0.02) / 1e6 },
    });
  });

  it("refuses an input that is longer than the window, and takes a list of shorter ones", async () => {
    edge.engine.answers(() => vectors());
    const input = Array.from({ length: 120_000 }, () => 7);
    expect((await edge.embed({ model: "embed", input: [input, input, input] })).status).toBe(200);
    const response = await edge.embed({ model: "embed", input: [...input, ...input] });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: "context_length_exceeded", param: "input" },
    });
  });

  it("gives an engine's refusal back as it is", async () => {
    const error = '{"error":{"message":"dimensions","type":"BadRequestError","code":400}}';
    const headers = { "content-type": "application/json" };
    edge.engine.answers(() => new Response(error, { status: 400, headers }));
    const response = await edge.embed({ model: "embed", input: "hi", dimensions: 1e6 });
    expect(response.status).toBe(400);
    expect(await response.text()).toBe(error);
  });

  it("refuses models that write, as other APIs refuse those that embed, naming others", async () => {
    const wrong = { code: "invalid_request", type: "invalid_request_error", param: "model" };
    const asked = await edge.embed({ model: "small", input: "hi" });
    expect(asked.status).toBe(400);
    const has = { message: expect.stringContaining("the mesh has: vectors.") };
    expect(await asked.json()).toMatchObject({ error: { ...wrong, ...has } });
    const chat = await edge.chat(ask({ model: "embed" }));
    expect(chat.status).toBe(400);
    const others = { message: expect.stringContaining("llama-70b, llama-8b.") };
    expect(await chat.json()).toMatchObject({ error: { ...wrong, ...others } });
    const messages = await edge.call("/v1/messages", {
      method: "POST",
      headers: AUTH,
      body: JSON.stringify({ ...ask({ model: "embed" }), max_tokens: 5 }),
    });
    expect(messages.status).toBe(400);
    expect(await messages.json()).toMatchObject({ type: "error" });
    expect(edge.engine.sent).toEqual([]);
  });

  it("is told of by the list of models, and by each", async () => {
    const list = await edge.call("/v1/models", { headers: AUTH });
    const { data } = await list.json<{ data: { id: string; kind: string }[] }>();
    expect(data.map(({ id, kind }) => [id, kind])).toEqual([
      ["llama-70b", "chat"],
      ["llama-8b", "chat"],
      ["vectors", "embedding"],
    ]);
    const one = await edge.call("/v1/models/embed", { headers: AUTH });
    expect(await one.json()).toMatchObject({ id: "vectors", kind: "embedding" });
  });
});
