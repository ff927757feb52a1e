import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, link, planInput, pool, view } from "./plan-fixtures.ts";

const CPX = pool("cpx", { device: "cpx", region: "use1", roles: ["prefill"], dialect: "nixl" });

/** The best split of a turn whose conversation, 18,000 tokens, was last decoded at `h200/0`. */
function split(members: { bidirectional?: boolean; gbps?: number; heldByP?: number } = {}) {
  const { bidirectional = true, gbps = 800, heldByP = 0 } = members;
  const planned = fleet({
    poolList: [CPX, pool("h200", { bidirectional })],
    links: [link("cpx", "h200", { gbps, perFlowGbps: gbps })],
  });
  const kept = { engine: "h200/0", tokens: 18_000 };
  const input = planInput({
    fleet: planned,
    ask: ask({ kept }),
    viewList: [0, 1].map((n) => view(`cpx/${n}`, { heldTokens: heldByP })),
  });
  return plan(input).placements.find(({ mode }) => mode === "disaggregated");
}

describe("a conversation that was decoded elsewhere", () => {
  it("is fetched by the prefill engine, which computes only what is new", () => {
    const fetching = split();
    const computing = split({ bidirectional: false });
    expect(fetching?.prefill?.fetchedTokens).toBe(18_000);
    expect(computing?.prefill?.fetchedTokens).toBeUndefined();
    expect(fetching?.terms.prefillMs).toBeLessThan((computing?.terms.prefillMs ?? 0) / 2);
    expect(fetching?.kvBytes).toBeGreaterThan(computing?.kvBytes ?? Infinity);
  });

  it("is computed again where the link is slower than that", () => {
    expect(split({ gbps: 1 })?.prefill?.fetchedTokens).toBeUndefined();
  });

  it("is not fetched by an engine that holds it", () => {
    expect(split({ heldByP: 18_000 })?.prefill?.fetchedTokens).toBeUndefined();
  });
});
