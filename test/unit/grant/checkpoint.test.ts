import { describe, expect, it } from "vitest";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { packIndexes, restoreIndexes } from "../../../src/core/grant/checkpoint.ts";
import type { RegionState } from "../../../src/core/grant/region-state.ts";
import { chainOf, region } from "./grant-fixtures.ts";

const ENGINES = { engineCount: 3, kvTokens: 100_000_000 };

describe("a checkpoint of prefix indexes", () => {
  it("tells the next ledger what every engine holds, and what left it", () => {
    const state = region(ENGINES);
    insert(state, 0, [1, 2, 3], 10);
    insert(state, 0, [1, 2, 4, 5], 20);
    insert(state, 2, [7, 8], 30);
    insert(state, 2, [9], 40, 100);
    const restored = next(packIndexes(state));
    expect(held(restored, 0, [1, 2, 3, 9])).toBe(300);
    expect(held(restored, 0, [1, 2, 4, 5, 6])).toBe(400);
    expect(held(restored, 1, [1])).toBe(0);
    expect(held(restored, 2, [9])).toBe(100);
    expect(held(restored, 2, [7, 8])).toBe(0);
    const { keys } = chain([7, 8]);
    expect(indexOf(restored, 2).knows(keys), "it was evicted, and that is known").toBe(true);
    expect(indexOf(restored, 0).holdsWhole(...args([1, 2, 3, 9]))).toBe(true);
    expect(indexOf(restored, 0).usedAt(...args([1, 2, 3]))).toBe(10);
    expect(indexOf(restored, 0).usedAt(...args([1, 2]))).toBe(20);
  });

  it("keeps the order in which links leave", () => {
    const state = region(ENGINES);
    insert(state, 0, [1, 2, 3], 10);
    insert(state, 0, [4, 5], 20);
    insert(state, 0, [1, 2], 30);
    const restored = next(packIndexes(state));
    const left = [400, 300, 200, 100].map((capacity) => {
      for (const one of [state, restored]) indexOf(one, 0).shrink(capacity);
      const all = [[1, 2, 3], [4, 5], [1]];
      return [state, restored].map((one) => all.map((links) => held(one, 0, links)));
    });
    for (const [before, after] of left) expect(after).toEqual(before);
    expect(left.at(-1)?.[1]).toEqual([100, 0, 100]);
  });

  it("comes in parts far below two megabytes, and within its budget leaves out the oldest", () => {
    const state = region(ENGINES);
    for (let n = 0; n < 1000; n++)
      insert(
        state,
        n % 2,
        Array.from({ length: 100 }, (_, i) => n * 100 + i + 1),
        n,
      );
    const parts = packIndexes(state);
    expect(Math.max(...parts.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(1_000_000);
    const bytes = (some: readonly ArrayBuffer[]) =>
      some.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes(parts), "a million in 32 MB").toBeLessThan(100_000 * 32);
    expect(indexOf(next(parts), 1).size).toBe(50_000);
    const few = packIndexes(state, 200_000);
    expect(bytes(few)).toBeLessThanOrEqual(200_000);
    const restored = next(few);
    const links = (n: number) => [n * 100 + 1];
    expect([0, 1].map((n) => held(restored, n, links(n)))).toEqual([0, 0]);
    expect([998, 999].map((n) => held(restored, n % 2, links(n)))).toEqual([100, 100]);
  });

  it("leaves out engines that are not there any more, and what does not fit those that are", () => {
    const state = region(ENGINES);
    insert(state, 0, [1, 2, 3], 10);
    insert(state, 2, [4], 20);
    const smaller = region({ engineCount: 1, kvTokens: 250 });
    expect(restoreIndexes(smaller, packIndexes(state))).toBe(true);
    expect(held(smaller, 0, [1, 2, 3])).toBe(200);
  });

  it.each<[string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>]>([
    ["nothing", (bytes) => bytes.slice(0, 0)],
    ["cut off", (bytes) => bytes.slice(0, -3)],
    ["too long", (bytes) => Uint8Array.from([...bytes, 0])],
    ["of another version", (bytes) => bytes.with(0, 99) as Uint8Array<ArrayBuffer>],
    ["of lengths that cannot be", (bytes) => bytes.with(11, 255) as Uint8Array<ArrayBuffer>],
  ])("that is %s is none", (_, damage) => {
    const state = region(ENGINES);
    insert(state, 0, [1, 2, 3], 10);
    const [part = new ArrayBuffer(0)] = packIndexes(state);
    const restored = region(ENGINES);
    expect(restoreIndexes(restored, [damage(new Uint8Array(part)).buffer])).toBe(false);
    expect(held(restored, 0, [1])).toBe(0);
    expect(indexOf(restored, 0).knows(chain([1]).keys)).toBe(false);
  });
});

function indexOf(state: RegionState, at: number) {
  const engine = state.pools.get("h200")?.engines[at];
  if (engine === undefined) throw new TypeError("no such engine");
  return engine.index;
}

function chain(links: readonly number[]) {
  const { chain: bytes, linkTokens } = chainOf(links);
  return { keys: linkKeys(bytes), linkTokens };
}

function args(links: readonly number[]): [Float64Array, Uint32Array] {
  const { keys, linkTokens } = chain(links);
  return [keys, linkTokens];
}

function insert(
  state: RegionState,
  at: number,
  links: readonly number[],
  nowMs: number,
  capacity = Infinity,
): void {
  indexOf(state, at).insert(...args(links), capacity, nowMs, nowMs + 5);
}

function held(state: RegionState, at: number, links: readonly number[]): number {
  return indexOf(state, at).heldTokens(...args(links));
}

/** The ledger of the next life. */
function next(parts: readonly ArrayBuffer[]): RegionState {
  const state = region(ENGINES);
  expect(restoreIndexes(state, parts)).toBe(true);
  return state;
}
