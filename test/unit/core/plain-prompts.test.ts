import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlainPrompt } from "../../../src/core/chat-request.ts";
import { linkTokens, promptChain } from "../../../src/core/prefix.ts";
import { commonLinks } from "../../../src/core/session/chain.ts";
import { MODEL } from "../plan/plan-fixtures.ts";

const chainOf = (prompts: readonly PlainPrompt[], salt = "s") =>
  promptChain({ model: MODEL, salt, messages: [], prompts });
const common = (one: readonly PlainPrompt[], other: readonly PlainPrompt[]) =>
  commonLinks(chainOf(one).bytes, chainOf(other).bytes);

const text = fc.string({ maxLength: 7000 });
const tokens = fc.array(fc.nat(200_000), { maxLength: 1800 });

describe("the chain of a prompt without a chat template", () => {
  it("closes a link every 2 KB of text, and every 512 tokens of ids", () => {
    fc.assert(
      fc.property(text, tokens, (written, ids) => {
        expect(chainOf([written]).bytes).toHaveLength(8 * Math.ceil(written.length / 2048));
        expect(chainOf([ids]).bytes).toHaveLength(8 * Math.ceil(ids.length / 512));
      }),
      { numRuns: 30 },
    );
  });

  it("shares every whole link with what goes on from it", () => {
    fc.assert(
      fc.property(text, text, tokens, tokens, (written, more, ids, next) => {
        expect(common([written], [written + more])).toBeGreaterThanOrEqual(
          Math.floor(written.length / 2048),
        );
        expect(common([ids], [[...ids, ...next]])).toBeGreaterThanOrEqual(
          Math.floor(ids.length / 512),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("shares nothing from the first difference on", () => {
    const long = "x".repeat(5000);
    expect(common([`${long}a`], [`${long}b`])).toBe(2);
    expect(common([`a${long}`], [`b${long}`])).toBe(0);
    const ids = Array.from({ length: 1200 }, (_, n) => n);
    expect(common([[...ids, 1]], [[...ids, 2]])).toBe(2);
    expect(common([[1, ...ids]], [[2, ...ids]])).toBe(0);
    expect(common([[1, 23]], [[12, 3]])).toBe(0);
    expect(commonLinks(chainOf([long], "s").bytes, chainOf([long], "t").bytes)).toBe(0);
  });

  it("takes the first of several prompts for a prefix of them all", () => {
    expect(common(["one"], ["one", "two"])).toBe(1);
    expect(common(["one"], ["two", "one"])).toBe(0);
  });

  it("counts ids of tokens as they are", () => {
    const chain = chainOf([Array.from({ length: 700 }, () => 7)]);
    expect([...linkTokens(chain, 4)]).toEqual([512, 700]);
  });
});
