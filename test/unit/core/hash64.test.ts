import { describe, expect, it } from "vitest";
import { canonical } from "../../../src/core/canonical.ts";
import { hash64, hashHex, NO_HASH } from "../../../src/core/hash64.ts";

const hex = (text: string) => hashHex(hash64(text, NO_HASH));

describe("hash64", () => {
  it("gives 16 hex digits, the same each time", () => {
    expect(hex("")).toMatch(/^[0-9a-f]{16}$/);
    expect(hex("phaseway")).toBe(hex("phaseway"));
  });

  it("gives a hundred thousand alike texts names of their own", () => {
    const texts = Array.from({ length: 100_000 }, (_, n) => `message ${n}`);
    expect(new Set(texts.map(hex)).size).toBe(texts.length);
    expect(new Set(texts.map((text) => hash64(text, NO_HASH).low)).size).toBeGreaterThan(99_990);
    expect(new Set(texts.map((text) => hash64(text, NO_HASH).high)).size).toBeGreaterThan(99_990);
  });

  it("depends on what came before", () => {
    const one = hash64("b", hash64("a", NO_HASH));
    const other = hash64("b", hash64("c", NO_HASH));
    expect(hashHex(one)).not.toBe(hashHex(other));
  });

  it("hashes a part of a text as that part alone", () => {
    expect(hash64("xxpartxx", NO_HASH, 2, 6)).toEqual(hash64("part", NO_HASH));
  });
});

describe("canonical", () => {
  it("does not depend on the order of members", () => {
    expect(canonical({ b: [1, { d: null, c: "é" }], a: undefined })).toBe(
      '{"b":[1,{"c":"é","d":null}]}',
    );
    expect(canonical({ x: 1, y: 2 })).toBe(canonical({ y: 2, x: 1 }));
  });

  it("keeps the order of lists and has text for everything", () => {
    expect(canonical([2, 1])).toBe("[2,1]");
    expect(canonical(undefined)).toBe("null");
  });
});
