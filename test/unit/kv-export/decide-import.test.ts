import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crossoverTokens } from "../../../src/core/kv-export/crossover.ts";
import { decideImport, type ImportFacts } from "../../../src/core/kv-export/decide-import.ts";

/** An engine of 500 tokens a second, a state of 4 MB and a link of 1 Gb/s: 5 + 40 + 8 ms. */
const FACTS: ImportFacts = {
  storedTokens: 1000,
  bytes: 4_000_000,
  heldTokens: 0,
  prefillMs: (cached) => (1200 - cached) * 2,
  link: { gbps: 1, rttMs: 5, usdPerGB: 0 },
};

describe("an import of KV cache before a leg", () => {
  it("is made where the engine holds nothing of it and would compute for seconds", () => {
    const decided = decideImport(FACTS);
    expect(decided).toMatchObject({ brings: true, reasons: [{ rule: "worth-it" }] });
    expect(decided.terms).toEqual({ importMs: 53, savedMs: 2000 });
  });

  it("is not made where the engine is believed to hold as much", () => {
    expect(decideImport({ ...FACTS, heldTokens: 1000 })).toMatchObject({
      brings: false,
      reasons: [{ rule: "held" }],
    });
  });

  it("is not made for the few tokens that the engine lacks", () => {
    expect(decideImport({ ...FACTS, heldTokens: 970 })).toMatchObject({
      brings: false,
      reasons: [{ rule: "recompute-is-quicker" }],
    });
    expect(decideImport({ ...FACTS, heldTokens: 970, isAlways: true }).brings).toBe(true);
  });

  it("is never made where it takes longer than computing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.double({ min: 0.001, max: 100, noNaN: true }),
        (bytes, heldTokens, gbps) => {
          const link = { gbps, rttMs: 5, usdPerGB: 0 };
          const { brings, terms } = decideImport({ ...FACTS, bytes, heldTokens, link });
          if (brings) expect(terms.importMs).toBeLessThan(terms.savedMs);
        },
      ),
    );
  });
});

describe("the crossover of importing and computing", () => {
  const link = { gbps: 1, rttMs: 5, usdPerGB: 0 };

  it("is the first length at which importing wins", () => {
    // 2 ms a token against 15 µs a token and 5 ms, half as much again for doubt.
    const runs = { prefillMs: (tokens: number) => tokens * 2, kvBytesPerToken: 1250 };
    expect(crossoverTokens(runs, link, 1000)).toBe(4);
  });

  it("is nowhere for an engine that computes faster than the link brings", () => {
    const runs = { prefillMs: (tokens: number) => tokens * 0.03, kvBytesPerToken: 131_072 };
    expect(crossoverTokens(runs, link, 100_000)).toBeUndefined();
  });
});
