import OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";

const started = useMesh();
let client: OpenAI;
let model: string;

beforeAll(async () => {
  const { edges, key } = started.mesh;
  client = new OpenAI({ apiKey: key, baseURL: `${edges[0]?.url}/v1`, maxRetries: 0 });
  const models = await client.models.list();
  model = models.data[0]?.id ?? "";
});

const messages = [{ role: "user" as const, content: "Where did you run?" }];

describe("the OpenAI SDK with only its base URL changed", () => {
  it("lists models", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ object }) => object)).toContain("model");
  });

  it("reads a whole chat completion", async () => {
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
    expect(answer.choices[0]?.message.content).toBeTruthy();
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage?.completion_tokens).toBe(8);
  });

  it("reads a streamed chat completion to its end", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 8,
      stream: true,
    });
    let text = "";
    let finish: string | null | undefined;
    let usages = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      if (chunk.usage) usages += 1;
    }
    expect(text).not.toBe("");
    expect(finish).toBe("length");
    expect(usages, "usage was not asked for").toBe(0);
  });

  it("gets the usage of a stream when it asks for it", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 8,
      stream: true,
      stream_options: { include_usage: true },
    });
    const usages = [];
    for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage);
    expect(usages).toHaveLength(1);
    expect(usages[0]?.completion_tokens).toBe(8);
  });

  it("throws the SDK's own errors for a wrong key and an unknown model", async () => {
    const stranger = client.withOptions({ apiKey: "sk-wrong" });
    await expect(stranger.chat.completions.create({ model, messages })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    await expect(
      client.chat.completions.create({ model: "no-such-model", messages }),
    ).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  it("reads session, receipt and route from the response headers", async () => {
    const { response } = await client.chat.completions
      .create({ model, messages, max_tokens: 8 }, { headers: { "phaseway-session": "sdk-test" } })
      .withResponse();
    expect(response.headers.get("phaseway-session")).toBeTruthy();
    expect(response.headers.get("phaseway-receipt")).toBeTruthy();
    expect(response.headers.get("phaseway-route")).toMatch(/mode=/);
  });
});
