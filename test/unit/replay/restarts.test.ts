import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAILED, FINISHED } from "../../../src/replay/outcomes.ts";
import { fleetOf, policyOf, run, workloadOf } from "./small-run.ts";

describe("engines that restart whenever they like", () => {
  const requests = fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 3000 }),
      prompt: fc.integer({ min: 1, max: 3000 }),
      output: fc.integer({ min: 1, max: 60 }),
      family: fc.integer({ min: 0, max: 3 }),
      how: fc.constantFrom("alone", "pull", "split"),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const restarts = fc.array(
    fc.record({ engine: fc.integer({ min: 0, max: 2 }), atMs: fc.integer({ min: 0, max: 5000 }) }),
    { maxLength: 5 },
  );

  it("lose no request without a word, and are empty in the end", async () => {
    await fc.assert(
      fc.asyncProperty(requests, restarts, fc.integer(), async (unsorted, killed, seed) => {
        const all = unsorted.toSorted((a, b) => a.atMs - b.atMs);
        const workload = await workloadOf(
          all.map((row) => ({
            ...row,
            blocks: Array.from(
              { length: Math.floor(row.prompt / 100) },
              (_, n) => row.family * 1000 + n + 1,
            ),
          })),
        );
        const ended: number[] = [];
        const policy = policyOf(({ random }) => ({
          route({ index }) {
            const engine = Math.floor(random() * 3);
            const how = all[index]?.how;
            return {
              kind: "send",
              engine,
              ...(how === "pull" && { pull: { from: index % 3, tokens: 1e6 } }),
              ...(how === "split" && { prefill: (engine + 1) % 3 }),
            };
          },
          finished: ({ index }, { failed }) => void (failed || ended.push(index)),
        }));
        const fleet = fleetOf(3, { kvTokens: 8000, chunkTokens: 512, maxBatch: 4 });
        const ran = run(workload, fleet, policy, { seed, restarts: killed });
        const statuses = [...ran.outcomes.status];
        expect(statuses.every((status) => status === FINISHED || status === FAILED)).toBe(true);
        expect(ended.toSorted((a, b) => a - b)).toEqual(
          statuses.flatMap((status, i) => (status === FINISHED ? [i] : [])),
        );
        if (killed.length === 0) expect(statuses).not.toContain(FAILED);
        for (const engine of ran.fleet.engines) {
          expect(engine.running + engine.waiting).toBe(0);
          expect(engine.cache.held).toBe(0);
          expect(engine.queued.tokens).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });
});
