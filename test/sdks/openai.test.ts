import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";
import { openaiAt, receiptOf, routeOf } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const model = "small";
const messages = [{ role: "user" as const, content: "Where did you run?" }];
const question = { model, messages, max_tokens: 8 };

describe("the OpenAI SDK with only its base URL and key changed", () => {
  it("lists models, and retrieves one by its alias", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toContain("llama-3.1-8b");
    const one = await client.models.retrieve("small");
    expect(one).toMatchObject({ id: "llama-3.1-8b", object: "model" });
  });

  it("reads a whole chat completion", async () => {
    const answer = await client.chat.completions.create(question);
    expect(answer.object).toBe("chat.completion");
    expect(answer.choices[0]?.message.content).toBeTruthy();
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage?.completion_tokens).toBe(8);
  });

  it("reads a streamed chat completion to its end, the same text", async () => {
    const whole = await client.chat.completions.create(question);
    const stream = await client.chat.completions.create({ ...question, stream: true });
    let text = "";
    const finishes = [];
    let usages = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
      if (chunk.usage) usages += 1;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(finishes).toEqual(["length"]);
    expect(usages, "usage was not asked for").toBe(0);
  });

  it("gets the usage of a stream when it asks for it, once and last", async () => {
    const options = { include_usage: true, include_obfuscation: false };
    const request = { ...question, stream: true, stream_options: options } as const;
    const chunks = [];
    for await (const chunk of await client.chat.completions.create(request)) chunks.push(chunk);
    const usages = chunks.filter(({ usage }) => usage);
    expect(usages).toHaveLength(1);
    expect(usages[0]).toBe(chunks.at(-1));
    expect(usages[0]).toMatchObject({ choices: [], usage: { completion_tokens: 8 } });
  });

  it("gathers a stream with its own helper", async () => {
    const deltas: string[] = [];
    const runner = client.chat.completions
      .stream({ ...question, stream_options: { include_usage: true } })
      .on("content", (delta) => deltas.push(delta));
    const gathered = await runner.finalChatCompletion();
    expect(gathered.choices[0]?.message.content).toBe(deltas.join(""));
    expect(gathered.usage?.completion_tokens).toBe(8);
  });

  it.each([false, true])("gets several choices, streamed: %s", async (stream) => {
    const request = { ...question, n: 2 };
    const texts = ["", ""];
    if (stream) {
      for await (const chunk of await client.chat.completions.create({ ...request, stream })) {
        for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? "";
      }
    } else {
      const { choices } = await client.chat.completions.create(request);
      expect(choices.map(({ index }) => index)).toEqual([0, 1]);
      for (const { index, message } of choices) texts[index] += message.content ?? "";
    }
    expect(texts.every((text) => text !== "")).toBe(true);
    expect(texts[0]).not.toBe(texts[1]);
  });

  it("may send pictures, and members that only an engine knows", async () => {
    const picture = { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" as const };
    const content = [
      { type: "text" as const, text: "What is this?" },
      { type: "image_url" as const, image_url: picture },
    ];
    // No members of OpenAI's own API.
    const engineOnly: object = {
      guided_json: { type: "object" },
      top_k: 5,
      chat_template_kwargs: { enable_thinking: false },
    };
    const messages = [{ role: "user" as const, content }];
    const answer = await client.chat.completions.create({ ...question, messages, ...engineOnly });
    expect(answer.choices[0]?.message.content).toBeTruthy();
  });

  it.each([false, true])("reads our headers, streamed: %s", async (stream) => {
    const headers = { "phaseway-session": `sdk-${stream}`, "phaseway-labels": "urgency=batch" };
    const call = client.chat.completions.create({ ...question, stream }, { headers });
    const { data, response, request_id } = await call.withResponse();
    if ("controller" in data) for await (const _chunk of data);
    expect(request_id).toBe(response.headers.get("x-request-id"));
    expect(request_id).toMatch(/^req_/);
    expect(response.headers.get("phaseway-session")).toMatch(/^ses_/);
    expect(response.headers.get("phaseway-labels")).toContain('urgency="batch"');
    expect(response.headers.get("server-timing")).toMatch(/total;dur=/);
    const route = routeOf(response.headers);
    expect(engineNames()).toContain(route["decode"]);
    const receipt = await receiptOf(started.mesh, response.headers);
    expect(receipt).toMatchObject({
      session: response.headers.get("phaseway-session"),
      status: "completed",
      mode: route["mode"],
      outputTokens: 8,
    });
  });

  it("leaves a stream when it wants to, and every engine's leg ends", async () => {
    const call = client.chat.completions.create({ ...question, max_tokens: 4000, stream: true });
    const { data: stream, response } = await call.withResponse();
    let chunks = 0;
    for await (const _chunk of stream) {
      chunks += 1;
      if (chunks === 3) stream.controller.abort();
    }
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, response.headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    expect(receipt.outputTokens).toBeLessThan(4000);
    await new Engines(started.mesh, engineNames()).quiet();
  });
});
