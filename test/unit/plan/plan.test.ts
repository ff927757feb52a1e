import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask, fleet, link, planInput, pool, view } from "./plan-fixtures.ts";

describe("mode", () => {
  it("splits a long cold prompt", () => {
    const [best] = plan(planInput()).placements;
    expect(best).toMatchObject({
      mode: "disaggregated",
      prefill: { pool: "cpx", heldTokens: 0 },
      decode: { pool: "h200" },
      kvBytes: 20_000 * 327_680,
    });
  });

  it("keeps a short warm turn where its cache is", () => {
    const input = planInput({
      ask: ask({ promptTokens: 6000 }),
      viewList: [view("h200/0"), view("h200/1", { heldTokens: 5800 })],
    });
    const [best] = plan(input).placements;
    expect(best).toMatchObject({ mode: "together", kvBytes: 0 });
    expect(best?.decode).toEqual({ pool: "h200", engine: "h200/1", heldTokens: 5800 });
  });

  it("recomputes at the decode engine when the link is slow", () => {
    const links = [link("cpx", "h200", { gbps: 10, perFlowGbps: 10 })];
    expect(plan(planInput({ fleet: fleet({ links }) })).placements[0]?.mode).toBe("together");
  });

  it("prefills a small uncached suffix at a decode pool, and splits a large one", () => {
    const poolList = [
      pool("cpx", { device: "cpx", roles: ["prefill"] }),
      pool("h200", { roles: ["decode"] }),
    ];
    const modeWith = (heldTokens: number) =>
      plan(planInput({ fleet: fleet({ poolList }), viewList: [view("h200/0", { heldTokens })] }))
        .placements[0]?.mode;
    expect(modeWith(19_800)).toBe("together");
    expect(modeWith(0)).toBe("disaggregated");
  });

  it("never prefills at a decode pool whose dialect cannot", () => {
    const poolList = [
      pool("cpx", { device: "cpx", roles: ["prefill"] }),
      pool("h200", { roles: ["decode"] }),
    ];
    const { placements } = plan(
      planInput({
        fleet: fleet({ poolList }),
        viewList: [view("h200/0", { heldTokens: 19_800 })],
        capabilities: () => ({
          roles: ["prefill", "decode"],
          order: "serial",
          prefillsAtDecode: false,
        }),
      }),
    );
    expect(placements.map(({ mode }) => mode)).toEqual(["disaggregated"]);
  });

  it("splits where the conversation's cache is, however much less another engine decodes", () => {
    const viewList = [
      view("cpx/0", { heldTokens: 15_000 }),
      view("cpx/1", { queueMs: 5000 }),
      view("h200/0", { heldTokens: 15_000, batch: 1, batchTokens: 20_000 }),
      view("h200/1"),
    ];
    const { placements } = plan(planInput({ viewList }));
    const split = placements.find(({ mode }) => mode === "disaggregated");
    expect(split?.decode.engine).toBe("h200/0");
  });

  it("transfers only what the decode engine does not hold", () => {
    const viewList = [view("h200/0", { heldTokens: 8000 })];
    const { candidates, placements } = plan(
      planInput({ ask: ask({ promptTokens: 60_000 }), viewList }),
    );
    expect(placements[0]).toMatchObject({ mode: "disaggregated", kvBytes: 52_000 * 327_680 });
    expect(candidates.filter(({ chosen }) => chosen)).toHaveLength(1);
  });
});

describe("terms", () => {
  it("counts serial legs one after another and lets concurrent ones overlap", () => {
    const ttft = (order: "serial" | "concurrent") =>
      plan(
        planInput({
          capabilities: () => ({ roles: ["prefill", "decode"], order, prefillsAtDecode: true }),
        }),
      ).placements.find(({ mode }) => mode === "disaggregated")?.terms;
    const serial = ttft("serial");
    const { rttMs = 0, queueMs = 0, prefillMs = 0, handoffMs = 0, firstMs = 0 } = serial ?? {};
    expect(serial?.ttftMs).toBeCloseTo(rttMs + queueMs + prefillMs + handoffMs + firstMs);
    expect(ttft("concurrent")?.ttftMs).toBeLessThan(serial?.ttftMs ?? 0);
  });

  it("leaves a holder only when its queue costs more than its cache is worth", () => {
    const chosen = (queueMs: number) => {
      const viewList = [view("h200/0", { heldTokens: 18_000, queueMs }), view("h200/1")];
      const poolList = [pool("h200")];
      return plan(planInput({ fleet: fleet({ poolList }), viewList })).placements[0]?.decode.engine;
    };
    expect(chosen(300)).toBe("h200/0");
    expect(chosen(20_000)).toBe("h200/1");
  });

  it("bills a hosted pool by its token prices, cached ones included", () => {
    const hosted = pool("hosted", { routed: "itself", perMTok: { in: 3, cached: 0.3, out: 15 } });
    const viewList = [view("hosted/0", { heldTokens: 10_000 })];
    const { placements } = plan(planInput({ fleet: fleet({ poolList: [hosted] }), viewList }));
    expect(placements[0]?.terms.usd).toBeCloseTo((10_000 * 3 + 10_000 * 0.3 + 300 * 15) / 1e6);
  });

  it("charges a prefill for the decodes it slows down", () => {
    const terms = (batch: number) =>
      plan(
        planInput({
          fleet: fleet({ poolList: [pool("h200")] }),
          viewList: [view("h200/0", { batch })],
        }),
      ).placements[0]?.terms;
    expect(terms(0)?.harmMs).toBe(0);
    const busy = terms(8);
    expect(busy?.harmMs).toBeCloseTo((busy?.prefillMs ?? 0) * 3.2);
  });
});

describe("filters", () => {
  it("see nothing of engines that only encode, cheap and idle as they are", () => {
    const poolList = [pool("eyes", { roles: ["encode"], devices: 8 }), pool("h200")];
    const { placements, refusals } = plan(planInput({ fleet: fleet({ poolList, links: [] }) }));
    expect(new Set(placements.map(({ decode }) => decode.pool))).toEqual(new Set(["h200"]));
    expect(refusals).toEqual({});
  });

  it("counts what it refuses by the filter that refused it", () => {
    const poolList = [
      pool("other", { model: "8b" }),
      pool("ams", { region: "ams" }),
      pool("ruled-out"),
      pool("tiny", { kvTokens: 1000 }),
      pool("drained", { engines: [] }),
      pool("h200"),
    ];
    const rules = [{ when: { urgency: "interactive" }, only: ["h200", "tiny", "ams", "drained"] }];
    const input = planInput({
      fleet: fleet({ poolList, rules }),
      viewList: [view("h200/0", { healthy: false }), view("h200/1")],
    });
    const { placements, refusals } = plan({ ...input, labels: { ...input.labels, place: "us" } });
    expect(placements.map(({ decode }) => decode.engine)).toEqual(["h200/1"]);
    expect(refusals).toMatchObject({
      model: 1,
      place: 1,
      "rule-only": 1,
      "kv-capacity": 1,
      draining: 1,
      unhealthy: 1,
    });
  });

  it("refuses prompts far beyond the context window everywhere, as their tokens are estimated", () => {
    const near = plan(planInput({ ask: ask({ promptTokens: 190_000 }) }));
    expect(near.refusals).not.toHaveProperty("context-window");
    const { placements, refusals } = plan(planInput({ ask: ask({ promptTokens: 200_000 }) }));
    expect(placements).toEqual([]);
    expect(refusals).toEqual({ "context-window": 2 });
  });

  it("splits neither what cannot be split nor over no link", () => {
    const unsplit = plan(planInput({ ask: ask({ splittable: false }) }));
    expect(unsplit.placements.every(({ mode }) => mode === "together")).toBe(true);
    expect(unsplit.refusals["not-splittable"]).toBeGreaterThan(0);
    const unlinked = plan(planInput({ fleet: fleet({ links: [] }) }));
    expect(unlinked.placements.every(({ mode }) => mode === "together")).toBe(true);
    expect(unlinked.refusals["no-link"]).toBeGreaterThan(0);
  });

  it("leaves out engines that have failed this request", () => {
    const { placements } = plan(planInput({ avoid: new Set(["h200/0", "cpx/0"]) }));
    expect(placements.length).toBeGreaterThan(0);
    for (const { prefill, decode } of placements) {
      expect([prefill?.engine, decode.engine]).not.toContain("h200/0");
      expect(prefill?.engine).not.toBe("cpx/0");
    }
  });

  it("keeps edge-bound requests at the edge or at the site they name", () => {
    const input = planInput({
      fleet: fleet({ poolList: [pool("ams", { region: "ams" }), pool("h200")] }),
    });
    const poolsAt = (place: string) =>
      new Set(
        plan({ ...input, labels: { ...input.labels, place } }).placements.map(
          ({ decode }) => decode.pool,
        ),
      );
    expect(poolsAt("edge-bound")).toEqual(new Set(["h200"]));
    expect(poolsAt("edge-bound:ams")).toEqual(new Set(["ams"]));
    expect(poolsAt("eu")).toEqual(new Set(["ams"]));
  });

  it("prefers the pools a rule prefers among near-equal ones", () => {
    const rules = [{ when: { size: "large" }, prefer: ["b"] }];
    const input = planInput({ fleet: fleet({ poolList: [pool("a"), pool("b")], rules }) });
    expect(plan(input).placements[0]?.decode.pool).toBe("b");
  });
});

describe("caches that would make room", () => {
  const input = planInput({
    fleet: fleet({ poolList: [pool("near"), pool("far", { region: "ams" })] }),
    viewList: ["near/0", "near/1"].map((engine) => view(engine, { displacedMs: 3000 })),
  });

  it("send a conversation further when it stays longer than the way costs", () => {
    const planned = (remainingTurns: number) =>
      plan({ ...input, ask: ask({ remainingTurns }) }).placements[0]?.decode.pool;
    expect(planned(20)).toBe("far");
    const empty = plan({ ...input, views: () => [] });
    expect(empty.placements[0]?.decode.pool).toBe("near");
  });

  it("count as a term of their own", () => {
    const { candidates } = plan({ ...input, explain: "full" });
    const evicting = (engine: string) =>
      candidates.find(({ decode }) => decode === engine)?.terms.evictUsd;
    expect(evicting("near/0")).toBeGreaterThan(0);
    expect(evicting("far/0")).toBe(0);
  });

  it("wait until the region expects room, where it knows", () => {
    const crowded = planInput({
      fleet: fleet({ poolList: [pool("h200", { engineCount: 1 })] }),
      viewList: [view("h200/0", { kvFreeTokens: 0, roomInMs: 7000 })],
    });
    expect(plan(crowded).placements[0]?.terms.queueMs).toBe(7000);
  });
});

describe("order", () => {
  const input = planInput({ fleet: fleet({ poolList: [pool("h200", { engineCount: 4 })] }) });

  it("spreads near-ties over the engines", () => {
    const random = seededRandom(7);
    const counts = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const engine = plan({ ...input, random }).placements[0]?.decode.engine ?? "";
      counts.set(engine, (counts.get(engine) ?? 0) + 1);
    }
    expect(counts.size).toBe(4);
    for (const count of counts.values()) expect(count).toBeGreaterThan(60);
  });

  it("falls back to a different decode engine each time", () => {
    const engines = plan(input).placements.map(({ decode }) => decode.engine);
    expect(new Set(engines).size).toBe(engines.length);
  });

  it("logs the propensity of an explored choice", () => {
    const { explored } = plan({ ...input, exploreRate: 1 });
    expect(explored?.propensity).toBeCloseTo(1 / 4);
    expect(plan(input).explored).toBeUndefined();
  });

  it("explains nine candidates, or all when asked to", () => {
    const many = planInput({
      fleet: fleet({
        poolList: Array.from({ length: 12 }, (_, i) => pool(`p${i}`, { engineCount: 1 })),
      }),
    });
    expect(plan(many).candidates).toHaveLength(9);
    expect(plan({ ...many, explain: "full" }).candidates).toHaveLength(12);
  });
});
