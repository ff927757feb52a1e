import fc from "fast-check";
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

const text = fc.oneof(fc.constantFrom("", '"', "\\", '{"error":{}}', '"choices":[]'), fc.string());
const call = fc.record({ index: fc.nat(2), id: text, function: fc.record({ arguments: text }) });
const delta = fc.record(
  {
    role: fc.constant("assistant"),
    content: fc.option(text),
    reasoning_content: fc.option(text),
    refusal: fc.option(text),
    tool_calls: fc.array(call, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const choice = fc.record(
  {
    index: fc.nat(2),
    delta,
    finish_reason: fc.constantFrom(null, "stop", "tool_calls", "length"),
    logprobs: fc.constantFrom(null, { content: [] }, { content: [{ token: "a", logprob: -1 }] }),
  },
  { requiredKeys: ["delta"] },
);
const chunk = fc.record(
  {
    id: text,
    choices: fc.array(choice, { maxLength: 2 }),
    usage: fc.constantFrom(null, { prompt_tokens: 3, completion_tokens: 1 }),
  },
  { requiredKeys: ["choices"] },
);

type Chunk = typeof chunk extends fc.Arbitrary<infer T> ? T : never;

/** What a chunk carries, told the long way. */
function carries({ choices }: Chunk): { tokens: boolean; end: boolean } {
  const filled = choices.flatMap(({ delta: { role: _role, ...parts } }) =>
    Object.values(parts).filter((part) => part !== null && part.length > 0),
  );
  return {
    tokens: filled.length > 0,
    end: choices.some((one) => typeof one.finish_reason === "string"),
  };
}

describe("any chunk of a chat stream", () => {
  it("is told for what it carries, however it is written", () => {
    fc.assert(
      fc.property(chunk, fc.nat(2), (value, indent) => {
        const data = JSON.stringify(value, null, indent);
        const { tokens, end } = carries(value);
        expect(hasTokens(data)).toBe(tokens);
        expect(isContentFrame(data)).toBe(tokens || end);
        expect(isErrorFrame(data)).toBe(false);
        expect(isUsageOnly(data)).toBe(value.choices.length === 0 && Boolean(value.usage));
        expect(readChunkUsage(data) !== undefined).toBe(Boolean(value.usage));
      }),
      { numRuns: 2000 },
    );
  });

  it("that is broken, cut or no JSON at all throws nowhere and is no report", () => {
    const cutOff = fc
      .tuple(chunk, fc.nat())
      .map(([value, at]) => JSON.stringify(value).slice(0, -1 - (at % 20)));
    fc.assert(
      fc.property(fc.oneof(cutOff, fc.string(), fc.json()), (data) => {
        const collector = collectAnswer();
        expect(() => {
          isContentFrame(data);
          hasTokens(data);
          isUsageOnly(data);
          isErrorFrame(data);
          collector.add(data);
          collector.answer();
        }).not.toThrow();
        if (readChunkUsage(data) !== undefined) expect(JSON.parse(data)).toHaveProperty("usage");
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["nested deep", "[".repeat(200_000)],
    ["all one name", '"content" '.repeat(100_000)],
    ["all white space", `{"choices"${" ".repeat(1_000_000)}`],
    ["all quotes", '"'.repeat(1_000_000)],
  ])("that is long and %s is done with at once", (_how, data) => {
    expect(isContentFrame(`{"choices":${data}`)).toBe(false);
    expect(hasTokens(data)).toBe(false);
    expect(isUsageOnly(data)).toBe(false);
    expect(isErrorFrame(`"error"${data}`)).toBe(false);
  });
});

describe("an engine's count", () => {
  it.each(["1e300", "9007199254740993", "-1", "1.5", '"3"', "null", "true"])(
    "of %s is no count",
    (count) => {
      const usage = `{"usage":{"prompt_tokens":${count},"completion_tokens":1}}`;
      expect(readChunkUsage(usage)).toBeUndefined();
    },
  );

  it("is corrected in any answer without a change to the rest of it", () => {
    const encoder = new TextEncoder();
    const number = fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String);
    fc.assert(
      fc.property(number, number, fc.json(), fc.nat(9), (id, count, blob, cached) => {
        const before = `{ "id":${id}, "usage" :{"x": ${count},"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens": `;
        const after = ` , "y":${blob} }}, "blob":${blob}}`;
        const answer = withCachedTokens(encoder.encode(`${before}8${after}`), cached);
        expect(new TextDecoder().decode(answer)).toBe(before + String(cached) + after);
      }),
    );
  });
});
