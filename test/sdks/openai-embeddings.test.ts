import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { openaiAt, receiptOf } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const model = "embed";
const input = "Where did you run?";

describe("embeddings of the OpenAI SDK", () => {
  it("come as the SDK asks for them by itself, and as floats, the same", async () => {
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
    expect(packed.data).toHaveLength(1);
    expect(packed.data[0]?.embedding).toHaveLength(1024);
    const [one = [], other = []] = [packed, plain].map(({ data }) => data[0]?.embedding);
    expect(one.map(Math.fround)).toEqual(other.map(Math.fround));
    expect(Math.hypot(...one)).toBeCloseTo(1, 5);
    expect(packed.usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
  });

  it("are a function of the text, in the order of a list", async () => {
    const many = await client.embeddings.create({ model, input: ["a", input, "b"] });
    const one = await client.embeddings.create({ model, input });
    expect(many.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(many.data[1]?.embedding).toEqual(one.data[0]?.embedding);
    expect(many.data[0]?.embedding).not.toEqual(many.data[2]?.embedding);
  });

  it("take tokens and a number of dimensions", async () => {
    const tokens = await client.embeddings.create({ model, input: [1, 2, 3], dimensions: 8 });
    const lists = await client.embeddings.create({ model, input: [[4], [1, 2, 3]], dimensions: 8 });
    expect(tokens.data[0]?.embedding).toHaveLength(8);
    expect(lists.data[1]?.embedding).toEqual(tokens.data[0]?.embedding);
    expect(lists.usage.prompt_tokens).toBe(4);
  });

  it("are prefilled and nothing else, as their receipt tells", async () => {
    const { response } = await client.embeddings.create({ model, input }).withResponse();
    const route = response.headers.get("phaseway-route");
    expect(route).toMatch(/^mode=together, prefill="embed-[a-z0-9]+\/[01]"$/);
    const receipt = await receiptOf(started.mesh, response.headers);
    expect(receipt).toMatchObject({
      status: "completed",
      model: "qwen3-embedding-0.6b",
      promptTokens: 5,
      outputTokens: 0,
      labels: { phase: "prefill-heavy" },
      work: [{ leg: "prefill", outcome: "served", promptTokens: 5, outputTokens: 0 }],
      waste: { legs: 0 },
    });
    expect(receipt.segments.map(({ phase, from, to }) => [phase, from, to])).toEqual([
      ["prefill", 0, 5],
    ]);
    expect(receipt).not.toHaveProperty("firstTokenFrom");
    expect(receipt.predicted.tpotMs).toBe(0);
  });

  it("are refused by a model that writes, as chats are by one that embeds", async () => {
    const wrong = { status: 400, code: "invalid_request", param: "model" };
    await expect(client.embeddings.create({ model: "small", input })).rejects.toMatchObject({
      ...wrong,
      message: expect.stringContaining("qwen3-embedding-0.6b"),
    });
    const messages = [{ role: "user" as const, content: "hi" }];
    await expect(client.chat.completions.create({ model, messages })).rejects.toMatchObject({
      ...wrong,
      message: expect.stringContaining("llama-3.1-8b"),
    });
    await expect(client.completions.create({ model, prompt: "hi" })).rejects.toMatchObject(wrong);
  });

  it("give back an engine's own refusal", async () => {
    const request = { model, input, dimensions: 100_000 };
    await expect(client.embeddings.create(request)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("dimensions"),
    });
  });

  it("are told of in the list of models", async () => {
    const kinds: Record<string, unknown> = {};
    for await (const one of client.models.list()) kinds[one.id] = (one as { kind?: string }).kind;
    expect(kinds).toMatchObject({ "llama-3.1-8b": "chat", "qwen3-embedding-0.6b": "embedding" });
    expect(await client.models.retrieve(model)).toMatchObject({ kind: "embedding" });
  });
});
