import { describe, expect, it } from "vitest";
import { rendererOf, USAGE } from "./message-fixtures.ts";

const completion = (message: object, finish_reason = "stop") =>
  JSON.stringify({
    id: "chatcmpl-1",
    model: "llama",
    choices: [
      { index: 0, message: { role: "assistant", content: null, ...message }, finish_reason },
    ],
    usage: USAGE,
  });
const call = (args: string, name: string | null = "f") =>
  completion(
    { tool_calls: [{ id: "call_a", type: "function", function: { name, arguments: args } }] },
    "tool_calls",
  );
const wholeOf = (json: string, members: object = {}) => rendererOf(members).whole(json) as string;
const messageOf = (json: string, members: object = {}) =>
  JSON.parse(wholeOf(json, members)) as Record<string, unknown>;

describe("a whole answer", () => {
  it("is a message with everything that one has", () => {
    expect(messageOf(completion({ content: "Hello" }))).toEqual({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "llama",
      content: [{ type: "text", text: "Hello", citations: null }],
      container: null,
      stop_reason: "end_turn",
      stop_sequence: null,
      stop_details: null,
      usage: {
        input_tokens: 4,
        cache_read_input_tokens: 16,
        cache_creation_input_tokens: 0,
        cache_creation: null,
        output_tokens: 5,
        output_tokens_details: null,
        server_tool_use: null,
        inference_geo: null,
        service_tier: null,
        speed: null,
      },
    });
  });

  it("thinks, speaks and calls, in that order", () => {
    const said = { reasoning: "hm", content: "Well." };
    const tool_calls = [{ id: "call_a", function: { name: "f", arguments: '{"n":1}' } }];
    const json = completion({ ...said, tool_calls }, "tool_calls");
    expect(messageOf(json, { thinking: { type: "adaptive" } })).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "thinking", thinking: "hm", signature: expect.stringMatching(/./) },
        { type: "text", text: "Well." },
        { type: "tool_use", id: "call_a", name: "f", input: { n: 1 } },
      ],
    });
    expect(messageOf(json)["content"]).toHaveLength(2);
  });

  it("keeps every digit that a tool is called with", () => {
    expect(wholeOf(call('{"id": 12345678901234567890}'))).toContain(
      '"input":{"id":12345678901234567890}',
    );
  });

  it.each(["", "{}"])("calls a tool that takes nothing with nothing: %j", (args) => {
    expect(messageOf(call(args))).toMatchObject({ content: [{ type: "tool_use", input: {} }] });
  });

  it("tells nothing of a call that was cut off", () => {
    const cut = call('{"city":"Os').replace(
      '"finish_reason":"tool_calls"',
      '"finish_reason":"length"',
    );
    expect(messageOf(cut)).toMatchObject({ stop_reason: "max_tokens", content: [{ input: {} }] });
  });

  it.each([
    ["no JSON", "oops"],
    ["no choice", '{"choices":[]}'],
    ["a call with what is no JSON", call("{oops")],
    ["a call with what is no object", call("[1]")],
    ["a call of no tool", call("{}", null)],
  ])("throws a SyntaxError for %s", (_what, json) => {
    expect(() => wholeOf(json)).toThrow(SyntaxError);
  });
});
