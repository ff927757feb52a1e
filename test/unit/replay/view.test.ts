import { describe, expect, it } from "vitest";
import type { PolicySetup } from "../../../src/replay/policy.ts";
import { fleetOf, policyOf, run, workloadOf } from "./small-run.ts";

const BLOCKS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

describe("what a policy sees", () => {
  it("is the fleet as it is when nothing is stale", async () => {
    expect(await seenBySecond(0, 50)).toEqual({ waiting: 0, running: 1, queuedMs: 60, match: 0 });
    expect(await seenBySecond(0, 111)).toEqual({ waiting: 0, running: 0, queuedMs: 0, match: 900 });
  });

  it("is the fleet as it was so long ago", async () => {
    expect(await seenBySecond(100, 50)).toEqual({ waiting: 0, running: 0, queuedMs: 0, match: 0 });
    expect(await seenBySecond(100, 150)).toEqual({
      waiting: 0,
      running: 1,
      queuedMs: 60,
      match: 0,
    });
    expect(await seenBySecond(100, 209)).toMatchObject({ running: 1, match: 0 });
    expect(await seenBySecond(100, 211)).toMatchObject({ running: 0, match: 900 });
  });

  it("forgets what was evicted, as late as everything", async () => {
    const rows = [
      { prompt: 1000, blocks: BLOCKS },
      { atMs: 1000, prompt: 2000 },
      { atMs: 1150, prompt: 1000, blocks: BLOCKS },
      { atMs: 1250, prompt: 1000, blocks: BLOCKS },
    ];
    const matches = await matchesSeen(rows, { kvTokens: 2500 }, 200);
    // The long prompt and its answer took 21 of 25 blocks.
    expect(matches).toEqual([0, 0, 900, 400]);
  });

  it("is right when it is asked for after a long time", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      atMs: i * 200,
      prompt: 1000,
      blocks: BLOCKS.map((block) => (i < 59 ? i * 100 + block : block + 57 * 100)),
    }));
    const seen: number[] = [];
    const lookingLast = policyOf(({ fleet }) => ({
      route(request) {
        if (request.index === 59) seen.push(fleet.matchTokens(0, request));
        return { kind: "send", engine: 0 };
      },
    }));
    run(await workloadOf(rows), fleetOf(1), lookingLast, { staleMs: 290 });
    run(await workloadOf(rows), fleetOf(1), lookingLast, { staleMs: 291 });
    run(await workloadOf(rows), fleetOf(1), lookingLast, { staleMs: 1000 });
    // Request 57 came 400 ms before the last, and its prompt was done 110 ms later.
    expect(seen).toEqual([900, 0, 0]);
  });

  it("can be asked what a transfer would take", async () => {
    let idle: number[] = [];
    const asking = policyOf(({ fleet }) => {
      idle = [fleet.pullMs(0, 1, 1000), fleet.pullMs(0, 0, 1000)];
      return { route: () => ({ kind: "send", engine: 0 }) };
    });
    run(await workloadOf([{ prompt: 100 }]), fleetOf(2), asking);
    expect(idle).toEqual([2, Infinity]);
  });
});

describe("a policy", () => {
  it("has an instance per edge that only hears of its own requests", async () => {
    const workload = await workloadOf(Array.from({ length: 40 }, (_, i) => row(i)));
    const heard: Set<number>[] = [];
    const policy = policyOf(() => {
      const edges = new Set<number>();
      heard.push(edges);
      return {
        route: ({ edge }) => {
          edges.add(edge);
          return { kind: "send", engine: 0 };
        },
        finished: ({ edge }) => edges.add(edge),
      };
    });
    run(workload, fleetOf(1), policy, { edges: 3 });
    expect(heard.map((edges) => [...edges])).toEqual([[0], [1], [2]]);
  });

  it("hears of ends as late as reports are", async () => {
    const late: number[] = [];
    const policy = policyOf(({ now }) => ({
      route: () => ({ kind: "send", engine: 0 }),
      firstToken: (_, { atMs }) => late.push(now() - atMs),
      finished: (_, { atMs }) => late.push(now() - atMs),
    }));
    const workload = await workloadOf(Array.from({ length: 40 }, (_, i) => row(i)));
    run(workload, fleetOf(1), policy, { reportMs: [50, 300] });
    expect(late).toHaveLength(80);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...late)).toBeLessThanOrEqual(300);
    expect(Math.max(...late) - Math.min(...late)).toBeGreaterThan(100);
  });

  it("may keep requests and send them later", async () => {
    const policy = policyOf(({ after, dispatch }) => ({
      route(request) {
        after(500, () => dispatch(request, { kind: "send", engine: 0 }));
        return { kind: "hold" };
      },
    }));
    const { outcomes } = run(await workloadOf([{ prompt: 900 }]), fleetOf(1), policy);
    expect(outcomes.sentAt[0]).toBe(500);
    expect(outcomes.firstTokenAt[0]).toBe(600);
  });

  it("models the engines' caches by itself", async () => {
    const matches: number[] = [];
    const policy = policyOf(({ prefixModel }) => {
      const model = prefixModel(1000);
      return {
        route(request) {
          matches.push(model.matchTokens(0, request));
          model.insert(0, request);
          return { kind: "send", engine: 0 };
        },
      };
    });
    const other = BLOCKS.map((block) => block + 100);
    const rows = [BLOCKS, BLOCKS, other, BLOCKS].map((blocks, i) => ({
      atMs: i,
      prompt: 1000,
      blocks,
    }));
    run(await workloadOf(rows), fleetOf(1), policy);
    expect(matches).toEqual([0, 900, 0, 0]);
  });
});

function row(i: number) {
  return { atMs: i * 10, prompt: 100, output: 2 };
}

async function seenBySecond(staleMs: number, atMs: number) {
  const seen: unknown[] = [];
  const workload = await workloadOf([
    { prompt: 1000, blocks: BLOCKS },
    { atMs, prompt: 1000, blocks: BLOCKS },
  ]);
  const looking = policyOf(({ fleet }: PolicySetup) => ({
    route(request) {
      const { waiting, running, queuedMs } = fleet.engines[0] ?? {};
      seen.push({ waiting, running, queuedMs, match: fleet.matchTokens(0, request) });
      return { kind: "send", engine: 0 };
    },
  }));
  run(workload, fleetOf(1), looking, { staleMs });
  return seen[1];
}

async function matchesSeen(
  rows: Parameters<typeof workloadOf>[0],
  engine: Parameters<typeof fleetOf>[1],
  staleMs: number,
): Promise<number[]> {
  const matches: number[] = [];
  const looking = policyOf(({ fleet }) => ({
    route(request) {
      matches.push(fleet.matchTokens(0, request));
      return { kind: "send", engine: 0 };
    },
  }));
  run(await workloadOf(rows), fleetOf(1, engine), looking, { staleMs });
  return matches;
}
