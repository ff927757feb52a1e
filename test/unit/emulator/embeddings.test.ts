import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textTokens } from "../../../src/sim/tokens.ts";
import { vectorOf } from "../../../workers/emulator/embeddings.ts";

const dimensions = fc.integer({ min: 1, max: 1024 });
const vector = (text: string, size: number) => [...vectorOf(textTokens(text), size)];

describe("an emulated vector", () => {
  it("is a function of the text, of the length that was asked for and of length 1", () => {
    fc.assert(
      fc.property(fc.string(), dimensions, (text, size) => {
        const one = vector(text, size);
        expect(one).toHaveLength(size);
        expect(one).toEqual(vector(text, size));
        expect(Math.hypot(...one)).toBeCloseTo(1, 4);
      }),
    );
  });

  it("is another for another text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        fc.pre(textTokens(text).join() !== textTokens(other).join());
        expect(vector(text, 16)).not.toEqual(vector(other, 16));
      }),
    );
  });
});
