import { describe, expect, it } from "vitest";
import { isWholeAnswer } from "../../../src/region/whole-answer.ts";

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
});
