import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMember, topLevelMembers } from "../../../src/core/json-members.ts";
import { isWholeAnswer, isWholeEmbedding } from "../../../src/region/whole-answer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("isWholeAnswer", () => {
  it("is true of a completion", () => {
    expect(isWholeAnswer(bytes('{"choices":[{"message":{}}],"usage":null}'))).toBe(true);
  });

  it.each([
    "",
    "{",
    '{"choices":[',
    "[1]",
    "null",
    '"x"',
    '{"choices":[]}',
    '{"choices":[1]}',
    "{}",
  ])("is false of %j", (body) => {
    expect(isWholeAnswer(bytes(body))).toBe(false);
  });

  it("is false of one that those who read it next cannot walk", () => {
    const deep = "[".repeat(600) + "]".repeat(600);
    expect(isWholeAnswer(bytes(`{"choices":[{}],"usage":${deep}}`))).toBe(false);
    expect(isWholeAnswer(bytes('\uFEFF{"choices":[{}]}'))).toBe(false);
  });

  it("is false of an answer cut anywhere", () => {
    const whole = bytes('{"choices":[{"message":{"content":"é\\"}"}}],"usage":{"a":[1]}}');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (end) => {
        expect(isWholeAnswer(whole.slice(0, end))).toBe(false);
      }),
    );
  });

  it("takes any bytes for what they are, and only those whose members can be found", () => {
    const answer = bytes('{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1}}');
    const changes = fc.array(fc.tuple(fc.nat(answer.length - 1), fc.integer({ max: 255, min: 0 })));
    fc.assert(
      fc.property(changes, (places) => {
        const body = answer.slice();
        for (const [at, byte] of places) body[at] = byte;
        if (!isWholeAnswer(body)) return;
        expect(topLevelMembers(body).map(({ name }) => name)).toContain("choices");
        expect(() => JSON.parse(rawMember(body, ["usage"]) ?? "null")).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe("isWholeEmbedding", () => {
  it.each([
    '{"data":[{"embedding":[0.1]}]}',
    '{ "object":"list", "data" : [ {"embedding":"AAAA"}]}',
  ])("is true of vectors: %s", (text) => {
    expect(isWholeEmbedding(bytes(text))).toBe(true);
  });

  it.each([
    "",
    "{",
    "[]",
    '{"data":[]}',
    '{"data":[ ]}',
    '{"data":{}}',
    '{"choices":[{}]}',
    '"data"',
  ])("is false of %j", (text) => {
    expect(isWholeEmbedding(bytes(text))).toBe(false);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void isWholeEmbedding(bytes(text))));
  });
});
