import { describe, expect, it } from "vitest";
import { missesMore } from "../../../src/core/plan/miss.ts";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, link, planInput, pool, view } from "./plan-fixtures.ts";

describe("the objectives that others miss because of a prompt", () => {
  const poolList = [
    pool("p", { roles: ["prefill"], engineCount: 1 }),
    pool("d", { engineCount: 1 }),
  ];
  const planned = (promptShare: number) =>
    plan(
      planInput({
        fleet: fleet({ poolList, links: [link("p", "d")] }),
        viewList: [
          view("p/0", { queueMs: 400 }),
          view("d/0", { batch: 4, batchTokens: 8000, promptShare }),
        ],
        ask: ask({ promptTokens: 2000, expectedOutputTokens: 30 }),
      }),
    );

  it("send it to wait elsewhere where prompts take most of the time already", () => {
    expect(planned(0).placements[0]?.mode).toBe("together");
    expect(planned(0.7).placements[0]?.mode).toBe("disaggregated");
  });

  it("cost nothing where nobody decodes, and more the nearer they are", () => {
    const harm = (promptShare: number, of: string) =>
      planned(promptShare).candidates.find(({ decode, mode }) => `${mode} ${decode}` === of)?.terms
        .harmUsd;
    expect(harm(0.7, "disaggregated d/0")).toBe(0);
    expect(harm(0.7, "together d/0")).toBeGreaterThan(10 * (harm(0, "together d/0") ?? NaN));
  });

  const slo = { interactive: { ttftMs: 5000, tpotMs: 50 }, batch: { deadlineMs: 60_000 } };
  const missed = (promptShare: number, tokens: number, moreMs = 300) =>
    missesMore(slo, { tpotMs: 15, promptShare, tokens }, moreMs);

  it("go on counting where they are missed already", () => {
    expect(missed(3, 30)).toBeGreaterThan(0.5);
    expect(missed(0.3, 30)).toBeLessThan(missed(0.6, 30));
    expect(missed(0.6, 30)).toBeLessThan(missed(3, 30));
  });

  it("are hardly any where answers are long and saved time before it", () => {
    expect(missed(0.1, 300)).toBeLessThan(0.02);
    expect(missed(0.1, 300)).toBeLessThan(missed(0.1, 30) / 10);
  });

  it("are a chance, however long the prompt", () => {
    expect(missed(0, 30, 0)).toBe(0);
    expect(missed(0, 30, 1e9)).toBeCloseTo(1, 6);
    expect(missed(0.9, 30, 1e9)).toBeCloseTo(1, 6);
  });
});
