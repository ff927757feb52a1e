import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkResponseEvents, responseEvents } from "../support/response-events.ts";
import { AUTH, createEdge, type Edge } from "./edge.ts";
import { chunkOf, streamOf, USAGE, usageChunk } from "./fake-engine.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge({ turnSettings: { keepAliveMs: 20 } });
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;

function respond(members: object, headers: Record<string, string> = AUTH): Promise<Response> {
  const body = { model: "small", input: "Where did you run?", store: false, ...members };
  return edge.call("/v1/responses", { method: "POST", headers, body: JSON.stringify(body) });
}

const usage = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 22,
};
const hello = { type: "output_text", text: "hello there", annotations: [], logprobs: [] };

describe("POST /v1/responses", () => {
  it("answers with a response", async () => {
    const answer = await respond({});
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.headers.get("phaseway-receipt")).toMatch(/^rct_/);
    expect(await answer.json()).toMatchObject({
      object: "response",
      status: "completed",
      model: "small",
      output: [{ type: "message", content: [hello] }],
      usage,
      store: false,
    });
    expect(edge.engine.sent[0]?.url).toMatch(/\/v1\/chat\/completions$/);
  });

  it("streams its events in order, with the usage though nobody asked", async () => {
    const answer = await respond({ stream: true });
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    const events = responseEvents(await answer.text());
    expect(events.map(({ type }) => type)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const response = checkResponseEvents(events);
    expect(response).toMatchObject({ usage, output: [{ content: [hello] }] });
  });

  it("begins while engines are still silent, and comments on the silence", async () => {
    let speak = () => {};
    const silence = new Promise<void>((resolve) => {
      speak = resolve;
    });
    edge.engine.answers(async () => {
      await silence;
      return streamOf([
        chunkOf({ content: "hi" }),
        chunkOf({}, "stop"),
        usageChunk(USAGE),
        "[DONE]",
      ]);
    });
    const answer = await respond({ stream: true });
    const reader = (answer.body ?? new ReadableStream()).getReader();
    const decoder = new TextDecoder();
    let text = "";
    while (!text.includes(": keep-alive")) {
      text += decoder.decode((await reader.read()).value as Uint8Array, { stream: true });
    }
    expect(responseEvents(text).map(({ type }) => type)).toEqual([
      "response.created",
      "response.in_progress",
    ]);
    speak();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value as Uint8Array, { stream: true });
    }
    expect(checkResponseEvents(responseEvents(text))).toMatchObject({ status: "completed" });
  });

  it("calls functions, in parallel as well", async () => {
    const call = (index: number, fragment: object) =>
      chunkOf({ tool_calls: [{ index, ...fragment }] });
    edge.engine.answers(() =>
      streamOf([
        call(0, { id: "c0", type: "function", function: { name: "f", arguments: "" } }),
        call(0, { function: { arguments: '{"a":' } }),
        call(0, { function: { arguments: "1}" } }),
        call(1, { id: "c1", type: "function", function: { name: "g", arguments: "{}" } }),
        chunkOf({}, "tool_calls"),
        usageChunk(USAGE),
        "[DONE]",
      ]),
    );
    const tools = ["f", "g"].map((name) => ({ type: "function", name, parameters: {} }));
    const answer = await respond({ stream: true, tools });
    expect(checkResponseEvents(responseEvents(await answer.text()))["output"]).toMatchObject([
      { type: "function_call", call_id: "c0", name: "f", arguments: '{"a":1}' },
      { type: "function_call", call_id: "c1", name: "g", arguments: "{}" },
    ]);
  });

  it("tells of an engine that is lost in the middle, after what it said", async () => {
    edge.engine.answers(() => streamOf([chunkOf({ content: "hi" })]));
    const answer = await respond({ stream: true });
    const events = responseEvents(await answer.text());
    expect(events.at(-2)).toMatchObject({ type: "error", code: "engine_failed" });
    expect(checkResponseEvents(events)).toMatchObject({
      status: "failed",
      error: { code: "server_error", message: expect.any(String) },
      output: [{ content: [{ text: "hi" }] }],
    });
  });

  it("says of an answer that cannot be read that its engine failed", async () => {
    const nameless = { tool_calls: [{ index: 0, id: "c", function: { arguments: "{}" } }] };
    edge.engine.answers(({ json }) => {
      if (json["stream"] === true)
        return streamOf([chunkOf(nameless), chunkOf({}, "stop"), "[DONE]"]);
      const choices = [{ index: 0, message: nameless, finish_reason: "stop" }];
      return Response.json({ choices, usage: USAGE });
    });
    const streamed = await respond({ stream: true });
    const events = responseEvents(await streamed.text());
    expect(checkResponseEvents(events)).toMatchObject({ status: "failed" });
    const whole = await respond({});
    expect(whole.status).toBe(502);
    expect(await whole.json()).toMatchObject({ error: { code: "engine_failed" } });
  });

  it("refuses in OpenAI's shape, and passes on how an engine refuses", async () => {
    const asked = await respond({ tools: [{ type: "web_search" }] });
    expect(asked.status).toBe(400);
    expect(await asked.json()).toEqual({
      error: {
        message: expect.stringContaining("web_search"),
        type: "invalid_request_error",
        param: "tools.0",
        code: "unsupported_parameter",
      },
    });
    const unknown = await respond({}, {});
    expect(unknown.status).toBe(401);
    const body: Json = { error: { message: "no", type: "bad", param: "top_p", code: null, x: 1 } };
    edge.engine.answers(() => Response.json(body, { status: 422 }));
    for (const stream of [false, true]) {
      const refused = await respond({ stream });
      expect(refused.status).toBe(422);
      expect(await refused.json()).toEqual(body);
    }
  });
});
