import { describe, expect, it } from "vitest";
import { Transfers } from "../../../src/replay/transfers.ts";
import { always, fleetOf, run, ttfts, workloadOf } from "./small-run.ts";

describe("transfers", () => {
  it("share what they have in common, and speed up when one ends", () => {
    const transfers = new Transfers([10]);
    transfers.begin(1, 100, [0], 100, 0);
    transfers.begin(2, 300, [0], 100, 0);
    expect(transfers.nextEndAt).toBe(20);
    expect(transfers.ended(20)).toEqual([1]);
    expect(transfers.nextEndAt).toBe(40);
    expect(transfers.ended(40)).toEqual([2]);
    expect(transfers.movedBytes).toBe(400);
    expect(transfers.nextEndAt).toBe(Infinity);
  });

  it("are no faster than one flow may be, nor than the narrowest they cross", () => {
    const transfers = new Transfers([10, 4]);
    transfers.begin(1, 100, [0], 2, 0);
    transfers.begin(2, 100, [0, 1], 100, 0);
    expect(transfers.ended(25)).toEqual([2]);
    expect(transfers.ended(50)).toEqual([1]);
  });

  it("do not slow those who cross other ports", () => {
    const transfers = new Transfers([10, 10]);
    transfers.begin(1, 100, [0], 100, 0);
    transfers.begin(2, 100, [1], 100, 0);
    expect(transfers.ended(10)).toEqual([1, 2]);
  });
});

describe("a pulled prefix", () => {
  const blocks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const first = { prompt: 1000, blocks };
  const second = { atMs: 1000, prompt: 1000, blocks };

  it("is fetched instead of computed", async () => {
    const workload = await workloadOf([first, second]);
    const pulling = { engine: 1, pull: { from: 0, tokens: 900 } };
    const { outcomes, fleet } = run(workload, fleetOf(2), always({ engine: 0 }, pulling));
    expect(outcomes.pulledTokens[1]).toBe(900);
    expect(outcomes.computedTokens[1]).toBe(100);
    expect(fleet.network.transfers.movedBytes).toBe(900_000);
    expect(fleet.network.usd).toBeCloseTo(0.9e-3 * 0.5, 12);
    // 1 ms to begin, 900 kB at 1 GB/s, and 100 tokens of prefill.
    expect((outcomes.firstTokenAt[1] ?? 0) - 1000).toBeCloseTo(1 + 0.9 + 20, 9);
  });

  it("is held by both engines afterwards", async () => {
    const third = { ...second, atMs: 2000 };
    const workload = await workloadOf([first, second, third]);
    const pulling = { engine: 1, pull: { from: 0, tokens: 900 } };
    const plain = { engine: 1 };
    const { outcomes } = run(workload, fleetOf(2), always({ engine: 0 }, pulling, plain));
    expect(outcomes.cachedTokens[2]).toBe(900);
  });

  it("is no longer than what the other engine holds", async () => {
    const longer = { ...second, prompt: 2000, blocks: [...blocks, 11, 12, 13, 14, 15] };
    const workload = await workloadOf([first, longer]);
    const pulling = { engine: 1, pull: { from: 0, tokens: 1900 } };
    const { outcomes } = run(workload, fleetOf(2), always({ engine: 0 }, pulling));
    expect(outcomes.pulledTokens[1]).toBe(1000);
  });

  it("comes while the request waits for its turn", async () => {
    const ahead = { atMs: 1000, prompt: 5000 };
    const workload = await workloadOf([first, ahead, second]);
    const slow = fleetOf(2, { portBytesPerMs: 2000, promptsPerIteration: 1 });
    const pulling = { engine: 1, pull: { from: 0, tokens: 900 } };
    const routes = always({ engine: 0 }, { engine: 1 }, pulling);
    const { outcomes } = run(workload, slow, routes);
    // 510 ms of prefill ahead cover the 451 ms of the transfer.
    expect((outcomes.firstTokenAt[2] ?? 0) - 1000).toBeCloseTo(510 + 20, 9);
  });

  it("shares the sender's port with another", async () => {
    const workload = await workloadOf([first, second, second]);
    const slow = fleetOf(3, { portBytesPerMs: 2000 });
    const pull = { from: 0, tokens: 900 };
    const routes = always({ engine: 0 }, { engine: 1, pull }, { engine: 2, pull });
    const [, one, other] = ttfts(run(workload, slow, routes));
    expect(one).toBeCloseTo(1 + 900 + 20, 9);
    expect(other).toBeCloseTo(1 + 900 + 20, 9);
  });
});

describe("a split request", () => {
  it("is prefilled at one engine, handed over and decoded at the other", async () => {
    const workload = await workloadOf([{ prompt: 1000, output: 11 }]);
    const { outcomes, fleet } = run(workload, fleetOf(2), always({ engine: 1, prefill: 0 }));
    expect([outcomes.prefill[0], outcomes.engine[0]]).toEqual([0, 1]);
    // Prefill, 1 ms and 999 kB of handoff, the last token once more, ten steps.
    expect(outcomes.firstTokenAt[0]).toBeCloseTo(110 + 1 + 0.999 + 10.1, 9);
    expect((outcomes.endedAt[0] ?? 0) - (outcomes.firstTokenAt[0] ?? 0)).toBeCloseTo(60, 9);
    for (const engine of fleet.engines) expect(engine.cache.held).toBe(0);
  });

  it("keeps its blocks where it was prefilled until they are fetched", async () => {
    const workload = await workloadOf([
      { prompt: 1500, output: 2 },
      { atMs: 1, prompt: 1500 },
    ]);
    const small = fleetOf(2, { kvTokens: 2000, portBytesPerMs: 100 });
    const { outcomes } = run(workload, small, always({ engine: 1, prefill: 0 }, { engine: 0 }));
    const handedAt = 160 + 1 + 1499e3 / 100;
    expect(outcomes.firstTokenAt[1]).toBeCloseTo(handedAt + 160, 6);
  });

  it("moves only what the decode engine does not hold", async () => {
    const blocks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const workload = await workloadOf([
      { prompt: 1000, blocks },
      { atMs: 1000, prompt: 1000, blocks },
    ]);
    const { fleet } = run(workload, fleetOf(2), always({ engine: 1 }, { engine: 1, prefill: 0 }));
    expect(fleet.network.transfers.movedBytes).toBe(99_000);
  });
});
