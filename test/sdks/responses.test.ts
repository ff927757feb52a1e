import OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { checkResponseEvents, type ResponseEvent } from "../support/response-events.ts";
import { until } from "../support/until.ts";
import { coldWords, openaiAt, receiptOf } from "./openai-client.ts";

const started = useMesh({ turnSettings: { idleTimeoutMs: 300 } });
let client: OpenAI;
let elsewhere: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
  elsewhere = openaiAt(started.mesh, 1);
});

type Request = OpenAI.Responses.ResponseCreateParamsNonStreaming;
const question = { model: "small", input: "Where did you run?", max_output_tokens: 8 };
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tools = [
  { type: "function" as const, name: "weather", description: "Tells it", parameters, strict: true },
];

/** The response of a stream, once its events were found in order. */
async function streamed(request: Request, from = client): Promise<OpenAI.Responses.Response> {
  const events: ResponseEvent[] = [];
  for await (const event of await from.responses.create({ ...request, stream: true })) {
    events.push(event as unknown as ResponseEvent);
  }
  return checkResponseEvents(events) as unknown as OpenAI.Responses.Response;
}

describe("the OpenAI SDK's responses", () => {
  it("are read whole, with their text and usage", async () => {
    const response = await client.responses.create(question);
    expect(response).toMatchObject({ object: "response", status: "incomplete", store: true });
    expect(response.incomplete_details).toEqual({ reason: "max_output_tokens" });
    expect(response.output_text).not.toBe("");
    expect(response.usage).toMatchObject({ output_tokens: 8 });
    expect(response.usage?.input_tokens).toBeGreaterThan(0);
  });

  it("are read as streams: the same text, by events in order", async () => {
    const whole = await client.responses.create({ ...question, store: false });
    const response = await streamed({ ...question, store: false });
    expect(response.output).toMatchObject([{ content: [{ text: whole.output_text }] }]);
    expect(response.usage).toMatchObject({ output_tokens: 8 });
  });

  it("are gathered by its own helper", async () => {
    const deltas: string[] = [];
    const stream = client.responses.stream(question);
    stream.on("response.output_text.delta", ({ delta }) => deltas.push(delta));
    const response = await stream.finalResponse();
    expect(response.output_text).toBe(deltas.join(""));
    expect(await client.responses.retrieve(response.id)).toMatchObject({ id: response.id });
  });

  it("may be asked with pictures, reasoning, structure and members that only an engine knows", async () => {
    const content = [
      { type: "input_text" as const, text: "What is this?" },
      {
        type: "input_image" as const,
        image_url: "data:image/png;base64,iVBORw0KGgo=",
        detail: "low" as const,
      },
    ];
    const schema = { type: "object", properties: {}, additionalProperties: false };
    const engineOnly: object = { top_k: 5, chat_template_kwargs: { enable_thinking: false } };
    const response = await client.responses.create({
      ...question,
      input: [{ role: "user", content }],
      reasoning: { effort: "low" },
      text: { format: { type: "json_schema", name: "out", schema, strict: true } },
      metadata: { purpose: "test" },
      ...engineOnly,
    });
    expect(response).toMatchObject({ metadata: { purpose: "test" }, reasoning: { effort: "low" } });
  });
});

describe.each([false, true])("a tool's round trip over two edges, streamed: %s", (stream) => {
  const take = (request: Request, from: OpenAI) =>
    stream ? streamed(request, from) : from.responses.create(request);

  it("goes on from the response that called it", async () => {
    const input = [
      { role: "system" as const, content: `You know the weather. ${coldWords(2000)}` },
      { role: "user" as const, content: "How is the weather in Reykjavik?" },
    ];
    const first = await take({ model: "large", input, tools }, client);
    const call = first.output.find((item) => item.type === "function_call");
    if (call === undefined) throw new Error("no tool was called");
    expect(call.name).toBe("weather");
    expect(JSON.parse(call.arguments)).toHaveProperty("city", expect.any(String));
    const output = {
      type: "function_call_output" as const,
      call_id: call.call_id,
      output: "sleet",
    };
    const second = await take(
      { model: "large", previous_response_id: first.id, input: [output], tools },
      elsewhere,
    );
    expect(second).toMatchObject({ status: "completed", previous_response_id: first.id });
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? Infinity);
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(2000);
    const listed = await client.responses.inputItems.list(second.id);
    expect(listed.data).toMatchObject([{ type: "function_call_output", call_id: call.call_id }]);
  });
});

describe("what the SDK asks of stored responses", () => {
  it("parses calls by their schema", async () => {
    const response = await client.responses.parse({ model: "large", input: "Weather?", tools });
    const call = response.output.find((item) => item.type === "function_call");
    expect(call?.parsed_arguments).toHaveProperty("city", expect.any(String));
  });

  it("deletes, and then finds nothing", async () => {
    const { id } = await client.responses.create(question);
    await client.responses.delete(id);
    const gone: unknown = await client.responses.retrieve(id).catch((error) => error);
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
    const lost: unknown = await client.responses
      .create({ ...question, previous_response_id: id })
      .catch((error) => error);
    expect(lost).toBeInstanceOf(OpenAI.BadRequestError);
    expect(lost).toMatchObject({
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  });

  it("counts the tokens of an input before it is sent", async () => {
    const { model, input } = question;
    const counted = await client.responses.inputTokens.count({ model, input });
    expect(counted.object).toBe("response.input_tokens");
    expect(counted.input_tokens).toBeGreaterThan(0);
  });

  it("cannot cancel what is over", async () => {
    const { id } = await client.responses.create(question);
    const refused: unknown = await client.responses.cancel(id).catch((error) => error);
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
  });

  it("throws for what cannot be served, by its name", async () => {
    const refused: unknown = await client.responses
      .create({ ...question, tools: [{ type: "web_search" }] })
      .catch((error) => error);
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refused).toMatchObject({ code: "unsupported_parameter", param: "tools.0" });
  });
});

describe("a stream", () => {
  it("can be left, and every engine's leg ends", async () => {
    const request = { ...question, max_output_tokens: 4000, stream: true } as const;
    const { data: stream, response } = await client.responses.create(request).withResponse();
    let events = 0;
    for await (const _event of stream) {
      events += 1;
      if (events === 6) stream.controller.abort();
    }
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, response.headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    expect(receipt.outputTokens).toBeLessThan(4000);
    await new Engines(started.mesh, engineNames()).quiet();
  });

  it("that breaks off throws the SDK's error, after what was said", async () => {
    const engines = new Engines(started.mesh, engineNames());
    await Promise.all(engines.names.map((name) => engines.fault(name, "stall-midstream")));
    const types: string[] = [];
    const thrown: unknown = await (async () => {
      const stream = await client.responses.create({
        ...question,
        max_output_tokens: 200,
        stream: true,
      });
      for await (const { type } of stream) types.push(type);
    })().catch((error) => error);
    await Promise.all(engines.names.map((name) => engines.fault(name, "none")));
    expect(thrown).toBeInstanceOf(OpenAI.APIError);
    expect(thrown).toMatchObject({ code: "engine_failed", type: "server_error" });
    expect(types).toContain("response.output_text.delta");
  });
});
