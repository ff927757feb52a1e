import { describe, expect, it } from "vitest";
import { apiError } from "../../../../src/apps/errors.ts";
import { seenMessage } from "../../../support/message-events.ts";
import { chunk, rendererOf, streamed, USAGE, usageChunk } from "./message-fixtures.ts";

const call = (index: number, id?: string, name?: string, args = "") => ({
  tool_calls: [{ index, ...(id && { id }), function: { ...(name && { name }), arguments: args } }],
});
const THINKING = { thinking: { type: "enabled", budget_tokens: 1024 } };

describe("a stream of chat chunks", () => {
  it("is one block of text, whose usage comes with its end", () => {
    const chunks = [
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      chunk({}, { finish_reason: "stop" }),
      usageChunk(USAGE),
    ];
    const seen = seenMessage(streamed(chunks));
    expect(seen.types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(seen.start).toMatchObject({ id: "msg_1", model: "llama", usage: { input_tokens: 9 } });
    expect(seen.content).toEqual([{ type: "text", text: "Hello", citations: null }]);
    expect(seen).toMatchObject({
      stopReason: "end_turn",
      usage: {
        input_tokens: 4,
        cache_read_input_tokens: 16,
        cache_creation_input_tokens: 0,
        output_tokens: 5,
      },
    });
  });

  it("shows reasoning under either of its names, once, to callers that asked for thinking", () => {
    const both = { reasoning: "hm", reasoning_content: "hm" };
    const chunks = [chunk({ reasoning: "So, " }), chunk(both), chunk({ content: "42" })];
    const seen = seenMessage(streamed(chunks, THINKING));
    expect(seen.content).toMatchObject([
      { type: "thinking", thinking: "So, hm" },
      { type: "text", text: "42" },
    ]);
    for (const thinking of [
      undefined,
      { type: "disabled" },
      { type: "adaptive", display: "omitted" },
    ]) {
      const plain = seenMessage(streamed(chunks, { thinking }));
      expect(plain.content).toEqual([{ type: "text", text: "42", citations: null }]);
    }
  });

  it("calls tools one after another, with their input as it comes", () => {
    const chunks = [
      chunk({ content: "Let me see." }),
      chunk(call(0, "call_a", "weather")),
      chunk(call(0, undefined, undefined, '{"city":')),
      chunk(call(0, undefined, undefined, '"Oslo"}')),
      chunk(call(1, "call_b", "time", "")),
      chunk(call(1, undefined, undefined, "{}")),
      chunk({}, { finish_reason: "tool_calls" }),
    ];
    const seen = seenMessage(streamed(chunks));
    expect(seen.stopReason).toBe("tool_use");
    expect(seen.content).toMatchObject([
      { type: "text", text: "Let me see." },
      { type: "tool_use", id: "call_a", name: "weather", input: '{"city":"Oslo"}' },
      { type: "tool_use", id: "call_b", name: "time", input: "{}" },
    ]);
  });

  it("keeps calls apart that an engine has mixed, or put in one place", () => {
    const mixed = [
      chunk(call(0, "call_a", "f", '{"n":')),
      chunk(call(1, "call_b", "g", '{"m":')),
      chunk({ content: "done" }),
      chunk(call(0, undefined, undefined, "1}")),
      chunk(call(1, undefined, undefined, "2}")),
    ];
    const inputs = [
      { id: "call_a", input: '{"n":1}' },
      { id: "call_b", input: '{"m":2}' },
    ];
    expect(seenMessage(streamed(mixed)).content).toMatchObject([...inputs, { text: "done" }]);
    const inOne = [
      chunk(call(0, "call_a", "f", '{"n":1}')),
      chunk(call(0, "call_b", "g", '{"m":2}')),
    ];
    expect(seenMessage(streamed(inOne)).content).toMatchObject(inputs);
  });

  it("names calls that an engine did not", () => {
    const seen = seenMessage(streamed([chunk(call(0, undefined, "f", "{}"))]));
    expect(seen.content).toMatchObject([{ id: "toolu_1_0", name: "f" }]);
  });

  it.each([
    ["stop", {}, "end_turn"],
    ["length", {}, "max_tokens"],
    ["content_filter", {}, "refusal"],
    ["stop", { stop_reason: "END" }, "stop_sequence"],
    ["stop", { matched_stop: "END" }, "stop_sequence"],
    ["stop", { stop_reason: 128_009 }, "end_turn"],
  ])("that ends with %s and %j has the stop reason %s", (finish, more, reason) => {
    const chunks = [chunk({ content: "a" }), chunk({}, { finish_reason: finish, ...more })];
    const seen = seenMessage(streamed(chunks, { stop_sequences: ["END"] }));
    expect(seen.stopReason).toBe(reason);
    expect(seen.stopSequence).toBe(reason === "stop_sequence" ? "END" : undefined);
  });

  it("has called a tool though its engine says that it just stopped", () => {
    const chunks = [chunk(call(0, "c", "f", "{}")), chunk({}, { finish_reason: "stop" })];
    expect(seenMessage(streamed(chunks)).stopReason).toBe("tool_use");
  });

  it("says a refusal's own words", () => {
    const chunks = [chunk({ refusal: "I can't." }), chunk({}, { finish_reason: "content_filter" })];
    const seen = seenMessage(streamed(chunks));
    expect(seen).toMatchObject({ stopReason: "refusal", content: [{ text: "I can't." }] });
  });

  it("counts what it has seen where the engine counts nothing", () => {
    const chunks = [chunk({ content: "a" }), chunk({ content: "b" })];
    const usage = { input_tokens: 9, output_tokens: 2, cache_read_input_tokens: null };
    expect(seenMessage(streamed(chunks)).usage).toMatchObject(usage);
  });

  it("tells how many tokens were thought", () => {
    const usage = { ...USAGE, completion_tokens_details: { reasoning_tokens: 3 } };
    expect(seenMessage(streamed([usageChunk(usage)])).usage).toMatchObject({
      output_tokens_details: { thinking_tokens: 3 },
    });
  });

  it("pings while its engine is silent, before its start and in a block", () => {
    const renderer = rendererOf();
    const text =
      renderer.keepAlive() +
      renderer.frame(chunk({ content: "a" })) +
      renderer.keepAlive() +
      renderer.end();
    expect(seenMessage(text).pings).toBe(2);
  });

  it("pings while there is only thinking that nobody wants to see", () => {
    const thoughts = Array.from({ length: 250 }, () => chunk({ reasoning: "hm" }));
    const seen = seenMessage(streamed([chunk({ role: "assistant" }), ...thoughts]));
    expect(seen).toMatchObject({ pings: 2, content: [] });
  });

  it("ends with an error in place of its end", () => {
    const renderer = rendererOf();
    const error = apiError("engine_unavailable", "No engine could be reached.");
    const text = renderer.frame(chunk({ content: "a" })) + renderer.error(error);
    expect(seenMessage(text).error).toEqual({
      type: "overloaded_error",
      message: "No engine could be reached.",
      details: { error_code: "engine_unavailable" },
    });
  });

  it.each([
    ["no chunk", "{}"],
    ["no JSON", "oops"],
    ["a call without a name", chunk(call(0, "c", undefined, "{}"))],
    ["text in a shape of its own", chunk({ content: [{ type: "text", text: "a" }] })],
    ["an answer that its engine gave up", chunk({}, { finish_reason: "abort" })],
  ])("throws a SyntaxError for %s", (_what, data) => {
    const renderer = rendererOf();
    expect(() => renderer.frame(data) + renderer.end()).toThrow(SyntaxError);
  });
});
