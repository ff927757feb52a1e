import { describe, expect, it } from "vitest";
import type { Cell } from "../../../src/replay/campaign/cells.ts";
import type { CellResult } from "../../../src/replay/campaign/results.ts";
import { verdictTable } from "../../../src/replay/campaign/verdict-table.ts";
import { lostOf, type Verdict, verdictsOf } from "../../../src/replay/campaign/verdicts.ts";
import type { Figures } from "../../../src/replay/figures.ts";

/** A run in which nothing is wrong. */
const FAIR: Figures = {
  requests: 100,
  completed: 100,
  regret_ms: 100,
  bound_ttft_ms: 1000,
  hit_rate: 0.4,
  hit_pooled_lru: 0.4,
  hit_ceiling_by_block: 0.5,
  load_max_over_mean: 1.1,
  busy_share: 0.8,
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((q) => [
      [`p99_slowdown_q${q}`, 10],
      [`max_slowdown_q${q}`, 20],
    ]),
  ),
};

describe("ours against the best baselines", () => {
  it("is a comparison of means over seeds", () => {
    const verdict = judged([
      result("phaseway", "stale", { regret_ms: 90 }),
      result("phaseway", "stale", { regret_ms: 110 }, { seed: 2 }),
      result("random", "stale", { regret_ms: 900 }),
      result("good", "stale", { regret_ms: 150 }),
      result("good", "stale", { regret_ms: 270 }, { seed: 2 }),
      result("good", "exact", { regret_ms: 50 }),
    ]);
    expect(verdict).toMatchObject({
      regretMs: 100,
      bestStale: { policy: "good", regretMs: 210 },
      bestExact: { policy: "good", regretMs: 50 },
    });
    expect(lostOf(verdict)).toEqual([]);
  });

  it("takes the best of those that were not clearly beaten with the first seed", () => {
    const verdict = judged([
      result("phaseway", "stale"),
      result("lucky", "exact", { regret_ms: 80 }),
      result("good", "exact", { regret_ms: 70 }),
      result("good", "exact", { regret_ms: 130 }, { seed: 2 }),
    ]);
    expect(verdict.bestExact).toEqual({ policy: "good", regretMs: 100 });
  });

  it.each([
    [200, []],
    [199, ["stale"]],
  ])("wants half of the best stale one's: %i ms", (regret_ms, lost) => {
    expect(
      lostOf(judged([result("phaseway", "stale"), result("good", "stale", { regret_ms })])),
    ).toEqual(lost);
  });

  it.each([
    [100, 40, []],
    [101, 40, ["exact"]],
    [1100, 1000, []],
    [1101, 1000, ["exact"]],
  ])("wants a tenth or 60 ms more than the best exact one's: %i to %i ms", (ours, best, lost) => {
    const results = [
      result("phaseway", "stale", { regret_ms: ours }),
      result("good", "exact", { regret_ms: best }),
    ];
    expect(lostOf(judged(results))).toEqual(lost);
  });

  it.each([
    [1060, []],
    [1061, ["exact"]],
  ])("wants 60 ms more at most where a trace has no hashes: %i ms", (regret_ms, lost) => {
    const verdict = judged(
      [
        result("phaseway", "stale", { regret_ms }),
        result("good", "stale", { regret_ms: 1000 }),
        result("good", "exact", { regret_ms: 1000 }),
      ].map(withoutHashes),
    );
    expect(lostOf(verdict)).toEqual(lost);
    expect(verdict.judged.has("stale")).toBe(false);
    expect(verdict.judged.has("hits")).toBe(false);
  });
});

describe("what else ours is held to", () => {
  it.each(["p99_slowdown_q1", "max_slowdown_q4"])(
    "%s is at most 1.1 of first come first served",
    (name) => {
      const firstCome = result("phaseway-no-order", "stale");
      const slow = (factor: number) =>
        judged([firstCome, result("phaseway", "stale", { [name]: factor * (FAIR[name] ?? 0) })]);
      expect(lostOf(slow(1.1))).toEqual([]);
      expect(lostOf(slow(1.11))).toEqual(["slowdown"]);
      expect(slow(1.2).judged.get("slowdown")?.of).toBe(name.replace("_slowdown_", " "));
    },
  );

  it.each([
    ["hits", { hit_rate: 0.379 }],
    ["balance", { load_max_over_mean: 1.3, busy_share: 0.7 }],
    ["served", { completed: 99 }],
  ])("%s", (criterion, figures) => {
    const good = result("good", "exact");
    expect(lostOf(judged([result("phaseway", "stale", figures), good]))).toEqual([criterion]);
    expect(lostOf(judged([result("phaseway", "stale"), good]))).toEqual([]);
  });

  it("balance is nothing to ask of a fleet that is hardly busy", () => {
    const idle = result("phaseway", "stale", { load_max_over_mean: 2, busy_share: 0.69 });
    expect(judged([idle]).judged.has("balance")).toBe(false);
  });

  it("over capacity asks for regret, and that no more is refused than by others", () => {
    const at = { load: 1.3 };
    const over = (figures: Partial<Figures>) =>
      lostOf(
        judged([
          result("phaseway", "stale", { hit_rate: 0, load_max_over_mean: 2, ...figures }, at),
          result("good", "stale", { regret_ms: 400 }, at),
          result("good", "exact", { completed: 90 }, at),
        ]),
      );
    expect(over({})).toEqual([]);
    expect(over({ regret_ms: 250 })).toEqual(["stale", "exact"]);
    expect(over({ completed: 99 })).toEqual(["served"]);
  });
});

describe("the table of a campaign", () => {
  const results = [
    result("phaseway", "stale", { regret_ms: 100 }),
    result("phaseway-no-pull", "stale", { regret_ms: 200 }),
    result("good", "stale", { regret_ms: 150 }),
    result("phaseway", "stale", { regret_ms: 100 }, { load: 0.5 }),
    result("phaseway-no-pull", "stale", { regret_ms: 800 }, { load: 0.5 }),
  ];

  it("says what was lost, what was won by each criterion, and what each part is worth", () => {
    const text = verdictTable(verdictsOf(results), "text");
    expect(text).toContain("LOST stale");
    expect(text).toContain("simulated: 1 of 2 situations won; stale 0/1, hits 2/2, balance 2/2");
    expect(text).toContain("geometric mean: phaseway-no-pull 4.00");
  });

  it("names traces without where they lie", () => {
    const text = verdictTable(verdictsOf(results), "markdown");
    expect(text).toContain("\n| some_trace | c | traced | 0.8 | 1.00 | 0.10 | 0.15 good | - |");
    expect(text).not.toContain("/far/away");
  });
});

function judged(results: readonly CellResult[]): Verdict {
  const [verdict] = verdictsOf(results);
  if (verdict === undefined) throw new Error("nothing to judge");
  return verdict;
}

function result(
  policy: string,
  sight: Cell["sight"],
  figures: Partial<Figures> = {},
  cell: Partial<Cell> = {},
): CellResult {
  const situation = { trace: "/far/away/some_trace.jsonl", calibration: "c", load: 0.8 };
  return {
    cell: { ...situation, arrivals: "traced", policy, sight, seed: 1, ...cell },
    figures: { ...FAIR, ...figures } as Figures,
  };
}

function withoutHashes({ cell, figures }: CellResult): CellResult {
  const { hit_ceiling_by_block: _, ...others } = figures;
  return { cell, figures: { ...others, hit_rate: 0, hit_pooled_lru: 0 } as Figures };
}
