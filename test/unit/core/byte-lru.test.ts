import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteLru } from "../../../src/core/byte-lru.ts";

describe("ByteLru", () => {
  it("drops what was used least lately", () => {
    const lru = new ByteLru<number>(30);
    for (const [index, name] of ["a", "b", "c"].entries()) lru.set(name, index, 10);
    expect(lru.get("a")).toBe(0);
    lru.set("d", 3, 10);
    expect(["a", "b", "c", "d"].map((name) => lru.get(name))).toEqual([0, undefined, 2, 3]);
  });

  it("keeps nothing that is larger than everything may be, and drops nothing for it", () => {
    const lru = new ByteLru<number>(30);
    lru.set("a", 0, 10);
    lru.set("b", 1, 31);
    expect([lru.get("a"), lru.get("b")]).toEqual([0, undefined]);
    lru.set("a", 2, 31);
    expect(lru.get("a"), "what it was is gone").toBeUndefined();
  });

  it("stays within its bytes and gives the last value of a name or none, whatever is set", () => {
    const write = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      value: fc.integer(),
      bytes: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
        const lru = new ByteLru<number>(100);
        const last = new Map<string, { value: number; bytes: number }>();
        for (const { name, value, bytes } of writes) {
          lru.set(name, value, bytes);
          last.set(name, { value, bytes });
          expect(lru.get(name)).toBe(value);
          expect(lru.bytes).toBeLessThanOrEqual(100);
        }
        const found = [...last].filter(([name]) => lru.get(name) !== undefined);
        for (const [name, { value }] of found) expect(lru.get(name)).toBe(value);
        expect(lru.bytes).toBe(found.reduce((sum, [, { bytes }]) => sum + bytes, 0));
      }),
    );
  });
});
