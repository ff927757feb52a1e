import { describe, expect, it } from "vitest";
import type { GrantAsk } from "../../../src/core/grant/grant.ts";
import { createRegionState } from "../../../src/core/grant/region-state.ts";
import { done } from "../../../src/core/grant/report.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

describe("what a grant tells of engines in the region's other pools", () => {
  it("is what they still hold, where the session believes in more", () => {
    const state = split();
    prefilled(state, grantAsk());
    prefilled(state, grantAsk({ ...chainOf([21, 22, 23, 24, 25, 26, 27, 28, 29, 30], 1000) }));
    const decode = grantAsk({ leg: "decode", held: { "cpx/0": 10_000 }, handedTokens: 10_000 });
    expect(granted(state, decode, 2000).elsewhere).toEqual({ "cpx/0": 5000 });
  });

  it("is what the session believes, of engines to which the region sent nothing of the conversation", () => {
    const held = { "cpx/0": 7000 };
    expect(granted(split(), grantAsk({ held })).elsewhere).toEqual({ "cpx/0": 7000 });
  });

  it("is nothing of its own pool's, of strangers and of those nobody believes in", () => {
    const held = { "h200/0": 9000, "gone/0": 9000, "cpx/7": 9000 };
    expect(granted(split(), grantAsk({ held }))).not.toHaveProperty("elsewhere");
    expect(granted(split(), grantAsk())).not.toHaveProperty("elsewhere");
    expect(granted(region(), grantAsk({ held }))).not.toHaveProperty("elsewhere");
  });

  it("is nothing for a leg that only prefills", () => {
    const ask = grantAsk({ leg: "prefill", pool: "cpx", held: { "h200/0": 9000 } });
    expect(granted(split(), ask)).not.toHaveProperty("elsewhere");
  });
});

/** A prefill engine with room for one and a half prompts, and two engines that decode. */
function split() {
  const cpx = pool("cpx", { roles: ["prefill"], engineCount: 1, kvTokens: 15_000 });
  const planned = fleet({ poolList: [cpx, pool("h200")] });
  return createRegionState(planned.pools, speedsOf(planned));
}

function prefilled(state: ReturnType<typeof split>, members: GrantAsk) {
  const { ticket } = granted(state, { ...members, leg: "prefill", pool: "cpx" });
  done(state, ticket, 1000);
}
