import { describe, expect, it } from "vitest";
import { decideSplit } from "../../../src/core/plan/decide-split.ts";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, link, planInput, pool, view } from "./plan-fixtures.ts";

const input = planInput();

function plannedSplit() {
  const planned = plan(input).placements.find(({ mode }) => mode === "disaggregated");
  if (planned === undefined) throw new TypeError("the fixture splits");
  return planned;
}

describe("the mode, decided again", () => {
  it("stays split when the decode engine holds nothing", () => {
    const planned = plannedSplit();
    const answer = { engine: planned.decode.engine, heldTokens: 0, startInMs: 0 };
    expect(decideSplit(input, planned, answer).mode).toBe("disaggregated");
  });

  it("becomes together when the decode engine holds nearly everything", () => {
    const planned = plannedSplit();
    const answer = { engine: "h200/1", heldTokens: 19_900, startInMs: 0 };
    expect(decideSplit(input, planned, answer)).toMatchObject({
      mode: "together",
      decode: { engine: "h200/1", heldTokens: 19_900 },
    });
  });

  it("becomes together when the decode engine starts too late for the lease", () => {
    const planned = plannedSplit();
    const answer = { engine: "h200/0", heldTokens: 0, startInMs: 20_000 };
    expect(decideSplit(input, planned, answer).mode).toBe("together");
  });

  it("becomes together when the prefill engine has lost the prefix that it was believed to hold", () => {
    const viewList = [
      view("cpx/0", { heldTokens: 19_000 }),
      view("h200/0", { heldTokens: 17_000 }),
    ];
    const believed = planInput({ viewList });
    const planned = plan(believed).placements.find(({ mode }) => mode === "disaggregated");
    if (planned === undefined) throw new TypeError("the fixture splits");
    const answer = { engine: "h200/0", heldTokens: 17_000, startInMs: 0 };
    expect(decideSplit(believed, planned, answer).mode).toBe("disaggregated");
    const lost = { ...answer, elsewhere: { "cpx/0": 0 } };
    expect(decideSplit(believed, planned, lost).mode).toBe("together");
  });

  describe("of a request planned together", () => {
    const together = (links = [link("p", "d")]) => {
      const poolList = [
        pool("p", { roles: ["prefill"], engineCount: 1 }),
        pool("d", { engineCount: 2 }),
      ];
      const calm = planInput({
        fleet: fleet({ poolList, links }),
        viewList: [view("p/0", { queueMs: 400 }), view("d/0"), view("d/1")],
        ask: ask({ promptTokens: 2000, expectedOutputTokens: 30 }),
      });
      const planned = plan(calm).placements[0];
      if (planned?.mode !== "together") throw new TypeError("the fixture does not split");
      return { calm, planned };
    };
    const answer = { engine: "d/1", heldTokens: 0, startInMs: 0 };

    it("stays where the engine is as idle as was believed", () => {
      const { calm, planned } = together();
      expect(decideSplit(calm, planned, answer)).toMatchObject({
        mode: "together",
        decode: { engine: "d/1" },
      });
    });

    it("becomes split when its prompt would make the others there miss their objectives", () => {
      const { calm, planned } = together();
      const busy = { ...answer, decoding: 12, promptShare: 0.7 };
      expect(decideSplit(calm, planned, busy)).toMatchObject({
        mode: "disaggregated",
        prefill: { engine: "p/0" },
        decode: { engine: "d/1" },
      });
    });

    it("is left as it is where no other pool could prefill it", () => {
      const { calm, planned } = together([link("d", "d")]);
      const busy = { ...answer, decoding: 12, promptShare: 0.7 };
      expect(decideSplit(calm, planned, busy)).toBe(planned);
    });

    it("is left as it is when it cannot be split", () => {
      const { calm, planned } = together();
      const busy = { ...answer, decoding: 12, promptShare: 0.7 };
      const whole = { ...calm, ask: { ...calm.ask, splittable: false } };
      expect(decideSplit(whole, planned, busy)).toBe(planned);
    });
  });

  it("moves less over the link when the decode engine holds a part", () => {
    const planned = plannedSplit();
    const answer = { engine: planned.decode.engine, heldTokens: 2000, startInMs: 0 };
    expect(decideSplit(input, planned, answer).kvBytes).toBe(18_000 * 327_680);
  });
});
