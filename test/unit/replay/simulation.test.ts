import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAILED, FINISHED, REFUSED } from "../../../src/replay/outcomes.ts";
import { always, fleetOf, policyOf, run, SPEED, ttfts, workloadOf } from "./small-run.ts";

describe("one request", () => {
  it("waits for nothing but its own prefill", async () => {
    const { outcomes } = run(
      await workloadOf([{ prompt: 900 }]),
      fleetOf(1),
      always({ engine: 0 }),
    );
    expect(outcomes.firstTokenAt[0]).toBe(100);
    expect(outcomes.endedAt[0]).toBe(100);
    expect(outcomes.status[0]).toBe(FINISHED);
  });

  it("takes a step per further token", async () => {
    const workload = await workloadOf([{ prompt: 900, output: 11 }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }));
    expect(outcomes.endedAt[0]).toBe(100 + 10 * 6);
  });

  it("goes half a round trip each way", async () => {
    const workload = await workloadOf([{ prompt: 900 }]);
    const away = { edgeRegions: ["far"] };
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }), away);
    expect(outcomes.firstTokenAt[0]).toBe(20 + 100 + 20);
  });

  it("fails when it can never fit", async () => {
    const workload = await workloadOf([{ prompt: 30_000 }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }));
    expect(outcomes.status[0]).toBe(FAILED);
  });

  it("is shed when the policy refuses it", async () => {
    const refusing = policyOf(() => ({ route: () => ({ kind: "refuse", reason: "full" }) }));
    const { outcomes } = run(await workloadOf([{ prompt: 900 }]), fleetOf(1), refusing);
    expect(outcomes.status[0]).toBe(REFUSED);
  });

  it("takes as long as its cost is wrong", async () => {
    const workload = await workloadOf([{ prompt: 900 }]);
    const { outcomes, arrivals } = run(workload, fleetOf(1), always({ engine: 0 }), {
      costError: 0.2,
    });
    expect(arrivals.costFactor[0]).not.toBe(1);
    expect(outcomes.firstTokenAt[0]).toBeCloseTo(100 * (arrivals.costFactor[0] ?? 0), 9);
  });
});

describe("prefixes", () => {
  const shared = { prompt: 1000, blocks: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };

  it("are computed once, and the last token always", async () => {
    const workload = await workloadOf([shared, { ...shared, atMs: 1000 }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }));
    expect([...outcomes.cachedTokens]).toEqual([0, 900]);
    expect([...outcomes.computedTokens]).toEqual([1000, 100]);
  });

  it("are not shared between engines", async () => {
    const workload = await workloadOf([shared, { ...shared, atMs: 1000 }]);
    const { outcomes } = run(workload, fleetOf(2), always({ engine: 0 }, { engine: 1 }));
    expect([...outcomes.cachedTokens]).toEqual([0, 0]);
  });

  it("are evicted least recently used first", async () => {
    const other = { prompt: 1000, blocks: [21, 22, 23, 24, 25, 26, 27, 28, 29, 30] };
    const third = { prompt: 1000, blocks: [31, 32, 33, 34, 35, 36, 37, 38, 39, 40] };
    const order = [shared, other, shared, third, shared, other];
    const workload = await workloadOf(order.map((row, i) => ({ ...row, atMs: i * 1000 })));
    const { outcomes } = run(workload, fleetOf(1, { kvTokens: 2200 }), always({ engine: 0 }));
    expect([...outcomes.cachedTokens]).toEqual([0, 0, 900, 0, 900, 0]);
  });

  it("are lost in a restart", async () => {
    const workload = await workloadOf([shared, { ...shared, atMs: 1000 }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }), {
      restarts: [{ engine: 0, atMs: 500 }],
    });
    expect([...outcomes.cachedTokens]).toEqual([0, 0]);
  });
});

describe("a restart", () => {
  it("sends a request that had no token yet on its way again", async () => {
    const workload = await workloadOf([{ prompt: 900 }]);
    const { outcomes } = run(workload, fleetOf(2), always({ engine: 0 }), {
      restarts: [{ engine: 0, atMs: 60 }],
    });
    expect(outcomes.status[0]).toBe(FINISHED);
    expect(outcomes.firstTokenAt[0]).toBe(160);
  });

  it("tells what it took", async () => {
    const shared = { prompt: 1000, blocks: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };
    const workload = await workloadOf([shared, { atMs: 1000, prompt: 900 }]);
    const { fleet, rerouted } = run(workload, fleetOf(1), always({ engine: 0 }), {
      restarts: [{ engine: 0, atMs: 1050 }],
    });
    expect(fleet.lost).toEqual({ legs: 1, cachedTokens: 1000 });
    expect(rerouted).toBe(1);
  });

  it("fails one that had begun to answer", async () => {
    const workload = await workloadOf([{ prompt: 900, output: 100 }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }), {
      restarts: [{ engine: 0, atMs: 200 }],
    });
    expect(outcomes.status[0]).toBe(FAILED);
  });
});

describe("later turns", () => {
  it("come when the answer before was thought about", async () => {
    const later = [{ prompt: 100, thinkMs: 500 }];
    const workload = await workloadOf([{ prompt: 900, output: 11, later }]);
    const { outcomes } = run(workload, fleetOf(1), always({ engine: 0 }));
    expect(outcomes.arrivedAt[1]).toBe(160 + 500);
    expect([...workload.session]).toEqual([0, 0]);
  });
});

describe("whatever is sent where", () => {
  const rows = fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 3000 }),
      prompt: fc.integer({ min: 1, max: 3000 }),
      output: fc.integer({ min: 1, max: 60 }),
      family: fc.integer({ min: 0, max: 3 }),
      pull: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  );
  const prepared = rows.map((all) =>
    all
      .toSorted((a, b) => a.atMs - b.atMs)
      .map((row) => ({
        ...row,
        blocks: Array.from(
          { length: Math.floor(row.prompt / 100) },
          (_, n) => row.family * 1000 + n + 1,
        ),
      })),
  );

  it("every request finishes once, and work is what was computed over speed", async () => {
    await fc.assert(
      fc.asyncProperty(prepared, fc.integer(), async (all, seed) => {
        const workload = await workloadOf(all);
        const fleet = fleetOf(3, { kvTokens: 6000, chunkTokens: 512, maxBatch: 4 });
        const told: number[] = [];
        const policy = policyOf(({ random }) => ({
          route: ({ index }) => ({
            kind: "send",
            engine: Math.floor(random() * 3),
            ...(all[index]?.pull && { pull: { from: index % 3, tokens: 1e6 } }),
          }),
          finished: ({ index }) => told.push(index),
        }));
        const { outcomes, fleet: ran } = run(workload, fleet, policy, { seed });
        expect([...outcomes.status].every((status) => status === FINISHED)).toBe(true);
        expect(told.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
        let work = 0;
        for (const [i, { prompt }] of all.entries()) {
          const spared = (outcomes.cachedTokens[i] ?? 0) + (outcomes.pulledTokens[i] ?? 0);
          expect(spared + (outcomes.computedTokens[i] ?? 0)).toBe(prompt);
          work += SPEED.prefillMs(prompt, spared);
        }
        expect(ran.engines.reduce((sum, one) => sum + one.prefillMs, 0)).toBeCloseTo(work, 6);
        for (const engine of ran.engines) {
          expect(engine.cache.held).toBe(0);
          expect(engine.queued.tokens).toBe(0);
          expect(engine.queued.ms).toBeCloseTo(0, 6);
          expect(engine.running + engine.waiting).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("the same seed gives the same run", async () => {
    const workload = await workloadOf(
      Array.from({ length: 50 }, (_, i) => ({ atMs: i * 7, prompt: 500 + i, output: 20 })),
    );
    const random = policyOf((setup) => ({
      route: () => ({ kind: "send", engine: Math.floor(setup.random() * 3) }),
    }));
    const options = { edges: 5, costError: 0.2, reportMs: [50, 300] } as const;
    const first = run(workload, fleetOf(3), random, { ...options, seed: 3 });
    const again = run(workload, fleetOf(3), random, { ...options, seed: 3 });
    const other = run(workload, fleetOf(3), random, { ...options, seed: 4 });
    expect(again.outcomes).toEqual(first.outcomes);
    expect(ttfts(other)).not.toEqual(ttfts(first));
  });
});
