import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExact } from "../../../src/core/exact-json.ts";

describe("parseExact", () => {
  it.each(["12345678901234567890", "-0.12345678901234567890", "1e400", "123456789012345678e9"])(
    "keeps the digits of %s, wherever it is",
    (number) => {
      const text = `{"a":[${number}],"b":{"c":${number}}}`;
      expect(JSON.stringify(parseExact(text))).toBe(text);
    },
  );

  it("reads everything else as JSON.parse does", () => {
    const more = fc.constant(12345678901234567n);
    fc.assert(
      fc.property(fc.jsonValue(), more, (value, long) => {
        const text = `[${JSON.stringify(value)},${long}]`;
        const [read] = parseExact(text) as unknown[];
        expect(read).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("spells short numbers alike, whether or not there is a long one beside them", () => {
    expect(JSON.stringify(parseExact("[1.0]"))).toBe("[1]");
    expect(JSON.stringify(parseExact("[1.0,12345678901234567890]"))).toBe(
      "[1,12345678901234567890]",
    );
  });

  it("throws a SyntaxError for what is no JSON", () => {
    expect(() => parseExact("[12345678901234567890,]")).toThrow(SyntaxError);
  });
});
