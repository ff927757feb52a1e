import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FastBlockCache } from "../../../src/replay/block-cache.ts";
import { DecodeBatch, sumOverSteps } from "../../../src/replay/decode-batch.ts";
import { EventHeap } from "../../../src/replay/event-heap.ts";
import { IntTable } from "../../../src/replay/int-table.ts";
import { FleetLeg } from "../../../src/replay/leg.ts";
import { TimedRing } from "../../../src/replay/timed-ring.ts";
import { BlockCache } from "../../../src/sim/blocks.ts";

describe("IntTable", () => {
  it("is a map of numbers", () => {
    const key = fc.integer({ min: 0, max: 60 });
    const step = fc.oneof(
      fc.record({ set: key, value: fc.integer({ min: 0, max: 1000 }) }),
      fc.record({ remove: key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new IntTable();
        const map = new Map<number, number>();
        for (const one of steps) {
          if ("set" in one) {
            table.set(one.set, one.value);
            map.set(one.set, one.value);
          } else {
            table.delete(one.remove);
            map.delete(one.remove);
          }
          expect(table.size).toBe(map.size);
        }
        for (let k = 0; k <= 60; k++) {
          expect(table.get(k)).toBe(map.get(k) ?? -1);
          expect(table.has(k)).toBe(map.has(k));
        }
      }),
    );
  });
});

describe("EventHeap", () => {
  it("gives events in order of time, and of entry where times are equal", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3000 }), (times) => {
        const heap = new EventHeap();
        for (const [i, atMs] of times.entries()) heap.push(atMs, 1, i, i + 1);
        const given: [number, number, number][] = [];
        while (heap.size > 0) {
          given.push([heap.nextAt, heap.payload, heap.stamp]);
          heap.pop();
        }
        const sorted = times
          .map((atMs, i): [number, number, number] => [atMs, i, i + 1])
          .toSorted((a, b) => a[0] - b[0]);
        expect(given).toEqual(sorted);
        expect(heap.nextAt).toBe(Infinity);
      }),
    );
  });
});

describe("TimedRing", () => {
  it("gives records back in order once they are old enough", () => {
    const ring = new TimedRing(2);
    for (let i = 0; i < 1000; i++) {
      ring.push(i, Float64Array.of(i, -i));
      if (i % 3 !== 0) continue;
      const at = ring.takeUntil(i);
      expect([ring.values[at], ring.values[at + 1]]).toEqual([i / 3, -i / 3]);
    }
    const at = ring.takeUntil(334);
    expect(ring.values[at]).toBe(334);
    expect(ring.takeUntil(334)).toBe(-1);
  });
});

describe("FastBlockCache", () => {
  it("does what the emulator's cache does", () => {
    // Prompts are paths down a tree: block ids name the path.
    const prompt = fc.record({
      family: fc.integer({ min: 0, max: 4 }),
      length: fc.integer({ min: 1, max: 9 }),
      fresh: fc.integer({ min: 0, max: 3 }),
      endsAfter: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(prompt, { maxLength: 60 }), (prompts) => {
        const fast = new FastBlockCache(24);
        const slow = new BlockCache(24, []);
        const running: { at: number; end: () => void }[] = [];
        for (const [now, { family, length, fresh, endsAfter }] of prompts.entries()) {
          for (const one of running.filter(({ at }) => at === now)) one.end();
          const blocks = Int32Array.from({ length }, (_, n) => family * 100 + n);
          const names = [...blocks].map(String);
          const known = fast.match(blocks, length);
          expect(known).toBe(slow.match(names, length).blocks);
          const needed = length - known + fresh;
          const taken = fast.take(blocks, known, needed);
          expect(taken).toBe(slow.take(names.slice(0, known), needed));
          if (taken) {
            for (let n = known; n < length; n++) {
              fast.name(blocks[n] ?? -1);
              slow.name(names[n] ?? "");
            }
            const end = (): void => {
              fast.release(blocks, length, fresh);
              slow.release(names, fresh);
            };
            running.push({ at: now + 1 + endsAfter, end });
          }
          expect([fast.held, fast.filled]).toEqual([slow.held, slow.filled]);
        }
      }),
    );
  });

  it("tells of every block that comes and goes", () => {
    const held = new Set<number>();
    const cache = new FastBlockCache(4, (block, isHeld) => {
      if (isHeld) held.add(block);
      else held.delete(block);
    });
    const use = (...ids: number[]): void => {
      const blocks = Int32Array.from(ids);
      const known = cache.match(blocks, blocks.length);
      cache.take(blocks, known, blocks.length - known);
      for (const block of blocks.slice(known)) cache.name(block);
      cache.release(blocks, blocks.length, 0);
    };
    use(1, 2, 3);
    use(1, 4);
    use(5);
    expect([...held].toSorted()).toEqual([1, 2, 4, 5]);
    cache.clear();
    expect(held.size).toBe(0);
    expect(cache.match(Int32Array.of(1), 1)).toBe(0);
  });
});

describe("DecodeBatch", () => {
  it("takes many steps in the time of one after another", () => {
    const stepMs = (batch: number, context: number): number =>
      5 + batch / 10 + context / 1000 - (context / 5000) ** 2;
    const speed = { prefillMs: () => 0, stepMs, kvTokens: 1, watts: 1, usdPerMs: 1 };
    const batch = new DecodeBatch();
    for (const [request, prompt] of [100, 200, 300].entries())
      batch.add(legOf(request, prompt), 50);
    const atOnce = batch.stretchMs(speed, 20);
    let singly = 0;
    for (let step = 0; step < 20; step++) {
      singly += batch.stretchMs(speed, 1);
      batch.advance(1);
    }
    expect(atOnce).toBeCloseTo(singly, 6);
  });

  it("lets requests end in order of their last step, then of entry", () => {
    const batch = new DecodeBatch();
    const steps = [7, 3, 5, 3, 1, 9];
    for (const [request, count] of steps.entries()) batch.add(legOf(request, 10), count);
    const ended: number[] = [];
    while (batch.size > 0) {
      batch.advance(batch.stepsToNextEnd);
      for (let leg = batch.takeEnded(); leg; leg = batch.takeEnded()) ended.push(leg.request);
    }
    expect(ended).toEqual([4, 1, 3, 2, 0, 5]);
  });

  it("knows which step is under way", () => {
    const speed = { prefillMs: () => 0, stepMs: () => 10, kvTokens: 1, watts: 1, usdPerMs: 1 };
    const batch = new DecodeBatch();
    batch.add(legOf(0, 10), 50);
    expect([0, 9.9, 10, 25, 10_000].map((ms) => batch.stepUnderWay(speed, ms, 50))).toEqual([
      1, 1, 2, 3, 50,
    ]);
  });

  it("sums what is at most quadratic exactly", () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer(), fc.integer(), fc.integer({ min: -50, max: 50 })),
        fc.integer({ min: 0, max: 300 }),
        ([a, b, c], count) => {
          const f = (x: number): number => a + b * x + c * x * x;
          let sum = 0;
          for (let x = 0; x < count; x++) sum += f(x);
          expect(Math.abs(sumOverSteps(f, count) - sum)).toBeLessThan(
            1e-6 * (1 + Math.abs(sum)) + 0.01,
          );
        },
      ),
    );
  });
});

function legOf(request: number, promptTokens: number): FleetLeg {
  return new FleetLeg({
    id: request,
    request,
    kind: "both",
    engine: 0,
    promptTokens,
    outputTokens: 51,
    blocks: new Int32Array(0),
    costFactor: 1,
    pullFrom: -1,
    pullTokens: 0,
  });
}
