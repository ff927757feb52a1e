import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinkTable } from "../../../src/core/link-table.ts";

describe("a table of links", () => {
  it("holds a million in 32 MB", () => {
    const table = new LinkTable();
    for (let n = 1; n <= 1_000_000; n++) table.add(n * 9_007_199_253, 0, 1);
    expect(table.size).toBe(1_000_000);
    expect(table.bytes).toBeLessThan(32_000_000);
    expect(table.keyOf(table.find(500_000 * 9_007_199_253))).toBe(500_000 * 9_007_199_253);
    expect(table.find(5)).toBe(0);
  });

  it("holds as many in as much when they are spread over 64 engines", () => {
    const tables = Array.from({ length: 64 }, () => new LinkTable());
    for (let n = 0; n < 1_000_000; n++) tables[n % 64]?.add(n * 9_007_199_253, 0, 1);
    expect(tables.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(32_000_000);
  });

  it("does what a Map in order of last use does", () => {
    const step = fc.record({
      what: fc.constantFrom("use", "use", "use", "remove", "evict"),
      key: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new LinkTable();
        const model = new Map<number, number>();
        for (const [n, { what, key }] of steps.entries()) {
          const link = table.find(key);
          expect(link > 0).toBe(model.has(key));
          if (what === "evict") {
            const [oldest] = model.keys();
            if (oldest === undefined) continue;
            expect(table.keyOf(table.oldest)).toBe(oldest);
            table.remove(table.oldest);
            model.delete(oldest);
          } else if (what === "remove") {
            if (link > 0) table.remove(link);
            model.delete(key);
          } else {
            if (link > 0) table.renew(link, n, n);
            else table.add(key, n, n);
            model.delete(key);
            model.set(key, n);
          }
        }
        const links = [];
        for (let link = table.oldest; link > 0; link = table.after(link)) {
          links.push([table.keyOf(link), table.wordOf(link)]);
        }
        expect(links).toEqual([...model]);
        expect(table.size).toBe(model.size);
      }),
    );
  });
});
