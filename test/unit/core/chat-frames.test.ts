import { describe, expect, it } from "vitest";
import {
  collectAnswer,
  isContentFrame,
  isErrorFrame,
  isUsageOnly,
  readChunkUsage,
} from "../../../src/core/chat-frames.ts";

const chunk = (delta: object, more: object = {}) =>
  JSON.stringify({ id: "1", choices: [{ index: 0, delta, finish_reason: null, ...more }] });
const usage = { prompt_tokens: 10, completion_tokens: 2 };

describe("isContentFrame", () => {
  it.each([
    chunk({ content: "a" }),
    chunk({ content: '"' }),
    chunk({ content: null, reasoning_content: "hm" }),
    chunk({ refusal: "no" }),
    chunk({ tool_calls: [{ index: 0, id: "1" }] }),
    chunk({}, { finish_reason: "stop" }),
    '{"choices": [ {"delta" : {"content" : " "}}]}',
    '{"choices":[{"text":"a"}]}',
  ])("is true of %s", (data) => {
    expect(isContentFrame(data)).toBe(true);
  });

  it.each([
    chunk({ role: "assistant", content: "" }),
    chunk({ role: "assistant" }),
    chunk({ content: null, tool_calls: [], reasoning_content: "" }),
    chunk({ content: "" }, { logprobs: { content: [] } }),
    JSON.stringify({ choices: [], usage }),
    "[DONE]",
    "not json",
  ])("is false of %s", (data) => {
    expect(isContentFrame(data)).toBe(false);
  });
});

describe("isUsageOnly", () => {
  it("is the chunk without choices that has usage", () => {
    expect(isUsageOnly(JSON.stringify({ choices: [], usage }))).toBe(true);
    expect(isUsageOnly('{"choices": [ ], "usage": {"prompt_tokens":1}}')).toBe(true);
    expect(isUsageOnly(chunk({ content: "a" }, { usage }))).toBe(false);
    expect(
      isUsageOnly(JSON.stringify({ choices: [], prompt_filter_results: [], usage: null })),
    ).toBe(false);
  });

  it("is not fooled by an answer that talks of it", () => {
    expect(isUsageOnly(chunk({ content: JSON.stringify({ choices: [], usage }) }))).toBe(false);
  });
});

describe("isErrorFrame", () => {
  it.each([
    '{"error":{"message":"x"}}',
    '{"id":"1","choices":[],"error":{"code":502}}',
    '{"object":"error","message":"x","error":null}',
    "{'error': {'message': 'x'}}",
  ])("is true of %s", (data) => {
    expect(isErrorFrame(data)).toBe(true);
  });

  it.each([
    chunk({ content: '{"error":{}}' }),
    '{"choices":[],"error":null}',
    chunk({ content: "error" }),
  ])("is false of %s", (data) => {
    expect(isErrorFrame(data)).toBe(false);
  });
});

describe("readChunkUsage", () => {
  it("reads counts, cached ones only where reported", () => {
    expect(readChunkUsage(JSON.stringify({ usage }))).toEqual({
      promptTokens: 10,
      outputTokens: 2,
    });
    const cached = { ...usage, prompt_tokens_details: { cached_tokens: 0 } };
    expect(readChunkUsage(JSON.stringify({ usage: cached }))?.cachedTokens).toBe(0);
  });

  it("takes anything malformed as no report", () => {
    expect(readChunkUsage('{"usage":{"prompt_tokens":"10"}}')).toBeUndefined();
    expect(readChunkUsage('{"usage":null}')).toBeUndefined();
    expect(readChunkUsage("{")).toBeUndefined();
  });
});

describe("collectAnswer", () => {
  it("joins the first choice's text and leaves other choices out", () => {
    const collector = collectAnswer();
    collector.add(chunk({ content: "Hel" }));
    collector.add(chunk({ content: "NO" }, { index: 1 }));
    collector.add(chunk({ content: "lo" }));
    expect(collector.answer()).toEqual({ content: "Hello" });
  });

  it("keeps the ids of tool calls", () => {
    const collector = collectAnswer();
    collector.add(
      chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "" } }] }),
    );
    collector.add(chunk({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }));
    collector.add(chunk({ tool_calls: [{ index: 1, id: "b" }] }));
    expect(collector.answer()).toMatchObject({ tool_calls: [{ id: "a" }, { id: "b" }] });
  });

  it("has no answer before anything came", () => {
    expect(collectAnswer().answer()).toBeUndefined();
  });
});
