import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockLru } from "../../../src/core/block-lru.ts";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { chainOf } from "./grant-fixtures.ts";

describe("the model of a prefix cache", () => {
  it("holds the longest common prefix of what was inserted", () => {
    const lru = new BlockLru();
    const seen = chainOf([1, 2, 3]);
    lru.insert(linkKeys(seen.chain), seen.linkTokens, 10_000, 0);
    const next = chainOf([1, 2, 9, 10]);
    expect(lru.heldTokens(linkKeys(next.chain), next.linkTokens)).toBe(200);
    expect(lru.knows(linkKeys(chainOf([4]).chain))).toBe(false);
  });

  it("tells how much of a chain has been computed by some time", () => {
    const lru = new BlockLru();
    const [short, long] = [chainOf([1, 2]), chainOf([1, 2, 3, 4])];
    lru.insert(linkKeys(short.chain), short.linkTokens, 1000, 0, 50);
    lru.insert(linkKeys(long.chain), long.linkTokens, 1000, 0, 90);
    const ready = (nowMs: number) => lru.readyTokens(linkKeys(long.chain), long.linkTokens, nowMs);
    expect([ready(49), ready(50), ready(90)]).toEqual([0, 200, 400]);
    lru.insert(linkKeys(long.chain), long.linkTokens, 1000, 60, 60);
    expect(ready(60)).toBe(400);
  });

  it("tells whether making room takes from what was used lately", () => {
    const lru = new BlockLru();
    const [old, fresh] = [chainOf([1, 2]), chainOf([11, 12])];
    lru.insert(linkKeys(old.chain), old.linkTokens, 1000, 0);
    lru.insert(linkKeys(fresh.chain), fresh.linkTokens, 1000, 80);
    expect(lru.evictsSince(200, 80)).toBe(false);
    expect(lru.evictsSince(100, 80)).toBe(true);
    expect(lru.evictsSince(400, 0)).toBe(false);
  });

  it("keeps links apart that differ in any bit a number has room for", () => {
    const key = (bytes: readonly number[]) => linkKeys(Uint8Array.from(bytes))[0];
    const keys = Array.from({ length: 8 }, (_, at) =>
      key(Array.from({ length: 8 }, (__, byte) => (byte === at ? 1 : 0))),
    );
    expect(new Set(keys).size).toBe(8);
  });

  it("evicts the tails of the least recently used chains first", () => {
    const lru = new BlockLru();
    const [a, b] = [chainOf([1, 2, 3]), chainOf([11, 12])];
    lru.insert(linkKeys(a.chain), a.linkTokens, 400, 0);
    lru.insert(linkKeys(b.chain), b.linkTokens, 400, 0);
    expect(lru.heldTokens(linkKeys(a.chain), a.linkTokens)).toBe(200);
    expect(lru.heldTokens(linkKeys(b.chain), b.linkTokens)).toBe(200);
  });

  it("never holds more than its capacity, and finds every prefix link by link", () => {
    const chains = fc.array(
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(chains, (all) => {
        const lru = new BlockLru();
        for (const choices of all) {
          const { chain, linkTokens } = chainOf(hashed(choices));
          const keys = linkKeys(chain);
          lru.insert(keys, linkTokens, 1500, 0);
          expect(lru.tokens).toBeLessThanOrEqual(1500);
          expect(lru.heldTokens(keys, linkTokens)).toBe(choices.length * 100);
        }
      }),
    );
  });

  it("goes on knowing a conversation that it has evicted", () => {
    const lru = new BlockLru();
    const [a, b] = [chainOf([1, 2]), chainOf([11, 12])];
    lru.insert(linkKeys(a.chain), a.linkTokens, 200, 0);
    lru.insert(linkKeys(b.chain), b.linkTokens, 200, 0);
    expect(lru.heldTokens(linkKeys(a.chain), a.linkTokens)).toBe(0);
    expect(lru.knows(linkKeys(a.chain))).toBe(true);
  });

  it("tells a whole prompt of before from what eviction left of one", () => {
    const lru = new BlockLru();
    const { chain, linkTokens } = chainOf([1, 2, 3]);
    lru.insert(linkKeys(chain), linkTokens, 10_000, 0);
    const longer = chainOf([1, 2, 3, 4]);
    expect(lru.holdsWhole(linkKeys(longer.chain), longer.linkTokens)).toBe(true);
    lru.shrink(200);
    expect(lru.holdsWhole(linkKeys(longer.chain), longer.linkTokens)).toBe(false);
  });

  it("weighs what would be evicted by how long it was idle, and never counts a chain against itself", () => {
    const lru = new BlockLru();
    const [old, fresh] = [chainOf([1, 2]), chainOf([11, 12])];
    lru.insert(linkKeys(old.chain), old.linkTokens, 400, 0);
    lru.insert(linkKeys(fresh.chain), fresh.linkTokens, 400, 90);
    const displaced = (links: readonly number[], tokens: number, capacity: number) => {
      const { chain, linkTokens } = chainOf(links);
      const worth = (idleMs: number) => (idleMs > 50 ? 0.1 : 1);
      return lru.displaced(linkKeys(chain), linkTokens, tokens, capacity, 100, worth);
    };
    expect(displaced([21], 100, 500)).toBe(0);
    expect(displaced([21], 100, 400)).toBeCloseTo(10);
    expect(displaced([21], 300, 400)).toBeCloseTo(20 + 100);
    expect(displaced([1, 2, 3], 300, 400)).toBeCloseTo(100);
  });

  it("forgets the end of a chain", () => {
    const lru = new BlockLru();
    const { chain, linkTokens } = chainOf([1, 2, 3]);
    lru.insert(linkKeys(chain), linkTokens, 10_000, 0);
    lru.forget(linkKeys(chain), linkTokens, 100);
    expect(lru.heldTokens(linkKeys(chain), linkTokens)).toBe(100);
    expect(lru.tokens).toBe(100);
  });
});

/** Each link names everything before it, as real chains do. */
function hashed(choices: readonly number[]): number[] {
  let hash = 7;
  return choices.map((choice) => (hash = hash * 3 + choice));
}
