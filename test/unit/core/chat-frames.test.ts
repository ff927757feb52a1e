import { describe, expect, it } from "vitest";
import {
  collectAnswer,
  hasTokens,
  isContentFrame,
  isErrorFrame,
  isUsageOnly,
  readChunkUsage,
  withCachedTokens,
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

describe("hasTokens", () => {
  it("tells tokens from the mere end of an answer", () => {
    expect(hasTokens(chunk({ content: "a" }))).toBe(true);
    expect(hasTokens(chunk({ tool_calls: [{ index: 0, id: "1" }] }))).toBe(true);
    expect(hasTokens(chunk({}, { finish_reason: "stop" }))).toBe(false);
    expect(hasTokens(chunk({ role: "assistant", content: "" }))).toBe(false);
  });
});

describe("withCachedTokens", () => {
  const corrected = (json: string, cached: number | undefined) =>
    new TextDecoder().decode(withCachedTokens(new TextEncoder().encode(json), cached));

  it("replaces the count and leaves every other byte", () => {
    const before =
      '{ "id" : 12345678901234567890, "usage":{"prompt_tokens":9,"completion_tokens":1,';
    const lie = `${before}"prompt_tokens_details":{"audio_tokens":1,"cached_tokens":8}} , "x":1}`;
    const truth = `${before}"prompt_tokens_details":{"audio_tokens":1,"cached_tokens":3}} , "x":1}`;
    expect(corrected(lie, 3)).toBe(truth);
  });

  it("adds the count where the engine was silent", () => {
    expect(JSON.parse(corrected('{"usage":{"prompt_tokens":9}}', 0))).toEqual({
      usage: { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 0 } },
    });
  });

  it("takes the count out where nobody knows it", () => {
    const lie = '{"usage":{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":8}}}';
    expect(corrected(lie, undefined)).toBe('{"usage":{"prompt_tokens":9}}');
  });

  it("leaves an answer without usage alone", () => {
    expect(corrected('{"usage":null}', 3)).toBe('{"usage":null}');
  });

  it("leaves what else the engine counts as it wrote it", () => {
    const lie =
      '{"usage":{ "a": 18446744073709551615, "prompt_tokens_details": {"cached_tokens":8, "b":1.50} }}';
    expect(corrected(lie, 3)).toBe(lie.replace(":8", ":3"));
    expect(corrected(lie, undefined)).toBe(lie.replace('"cached_tokens":8, ', ""));
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

  it("counts no output where all tokens are the prompt's, as of embeddings", () => {
    expect(readChunkUsage('{"usage":{"prompt_tokens":10,"total_tokens":10}}')).toEqual({
      promptTokens: 10,
      outputTokens: 0,
    });
  });

  it("takes anything malformed as no report", () => {
    expect(readChunkUsage('{"usage":{"prompt_tokens":"10"}}')).toBeUndefined();
    expect(readChunkUsage('{"usage":{"prompt_tokens":10}}')).toBeUndefined();
    expect(readChunkUsage('{"usage":{"prompt_tokens":10,"total_tokens":12}}')).toBeUndefined();
    expect(readChunkUsage('{"usage":null}')).toBeUndefined();
    expect(readChunkUsage("{")).toBeUndefined();
  });
});

describe("a claim of more cached tokens than there were", () => {
  it("is no report of them", () => {
    const lie = { ...usage, prompt_tokens_details: { cached_tokens: 999 } };
    expect(readChunkUsage(JSON.stringify({ usage: lie }))).toEqual({
      promptTokens: 10,
      outputTokens: 2,
    });
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

  it("has no answer when it was longer than any conversation", () => {
    const collector = collectAnswer(5);
    collector.add(chunk({ content: "Hello" }));
    expect(collector.answer()).toEqual({ content: "Hello" });
    collector.add(chunk({ content: "!" }));
    collector.add(chunk({ content: "" }));
    expect(collector.answer()).toBeUndefined();
  });

  it("has no answer before anything came", () => {
    expect(collectAnswer().answer()).toBeUndefined();
  });
});

describe("what was begun of an answer", () => {
  const begun = (chunks: readonly string[]) => {
    const collector = collectAnswer();
    for (const data of chunks) collector.add(data);
    return collector.begun();
  };
  const first = chunk({ role: "assistant", content: "a" });

  it("is its text so far, and the chunk that it began with", () => {
    expect(begun([first, chunk({ content: "b", tool_calls: [], refusal: null })])).toEqual({
      text: "ab",
      firstChunk: first,
    });
  });

  it.each([
    chunk({ tool_calls: [{ index: 0, id: "1" }] }),
    chunk({ reasoning_content: "hm" }),
    chunk({ refusal: "no" }),
    chunk({ content: "b" }, { logprobs: { content: [] } }),
    chunk({ content: "b" }, { index: 1 }),
    chunk({}, { finish_reason: "stop" }),
    JSON.stringify({ choices: [{ index: 0, delta: null, finish_reason: "stop" }] }),
    "not json",
  ])("is unknown once it is more than text: %s", (data) => {
    expect(begun([first, data, chunk({ content: "c" })])).toBeUndefined();
  });

  it("is unknown before anything came, and of an answer that is too long", () => {
    expect(begun([])).toBeUndefined();
    const collector = collectAnswer(3);
    for (const content of ["ab", "cd"]) collector.add(chunk({ content }));
    expect(collector.begun()).toBeUndefined();
  });
});
