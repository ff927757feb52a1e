import { describe, expect, it } from "vitest";
import type { Link, Pool } from "../../../src/core/fleet.ts";
import { displacedMs } from "../../../src/core/grant/displaced.ts";
import { handedAgainOf, recomputeMs } from "../../../src/core/grant/recompute.ts";
import { createRegionState } from "../../../src/core/grant/region-state.ts";
import { done } from "../../../src/core/grant/report.ts";
import { linkKeys } from "../../../src/core/link-keys.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { transferMs } from "../../../src/core/speed.ts";
import { fleet, link, MODEL, pool } from "../plan/plan-fixtures.ts";
import { chainOf, granted, grantAsk } from "./grant-fixtures.ts";

describe("what an engine has lost of its cache", () => {
  it("comes from a pool that computes and hands it over sooner", () => {
    const { engine, speeds } = region();
    const bytes = 15_000 * MODEL.kvBytesPerToken;
    const elsewhereMs = speeds.get("cpx")?.prefillMs(20_000, 5000) ?? NaN;
    const againMs = recomputeMs(engine, 20_000, 5000, 0);
    expect(againMs).toBeCloseTo(elsewhereMs + transferMs(link("cpx", "h200"), bytes), 6);
    expect(againMs).toBeLessThan(engine.pool.speed.prefillMs(20_000, 5000));
  });

  it.each([
    ["no link leads to it", [link("h200", "cpx")], {}],
    ["the link is slower than computing", [link("cpx", "h200", { perFlowGbps: 1 })], {}],
    ["its cache cannot cross", [link("cpx", "h200")], { kvLayout: "70b/fp8" }],
    ["the other pool does not prefill", [link("cpx", "h200")], { roles: ["decode"] as const }],
  ])("is computed where it was lost when %s", (_, links: readonly Link[], cpx: Partial<Pool>) => {
    const { engine } = region(links, cpx);
    const ownMs = engine.pool.speed.prefillMs(20_000, 5000);
    expect(recomputeMs(engine, 20_000, 5000, 0)).toBe(ownMs);
  });

  it("costs the conversations that make room less where it is handed over again", () => {
    const crowdedMs = ({ state, engine }: ReturnType<typeof region>) => {
      const { ticket } = granted(state, grantAsk());
      done(state, ticket, 1000);
      const keys = linkKeys(chainOf([31, 32, 33, 34, 35, 36, 37, 38, 39, 40]).chain);
      const linkTokens = grantAsk().linkTokens;
      return displacedMs(engine, keys, linkTokens, 10_000, 2000);
    };
    const aloneMs = crowdedMs(region([]));
    expect(crowdedMs(region())).toBeLessThan(0.6 * aloneMs);
  });
});

/** One engine that decodes, with room for one and a half prompts, and a faster one that prefills. */
function region(links: readonly Link[] = [link("cpx", "h200")], cpx: Partial<Pool> = {}) {
  const planned = fleet({
    poolList: [
      pool("cpx", { device: "cpx", roles: ["prefill"], ...cpx }),
      pool("h200", { engineCount: 1, kvTokens: 15_000 }),
    ],
    links,
  });
  const speeds = speedsOf(planned);
  const handed = handedAgainOf(planned, speeds);
  const state = createRegionState(planned.pools, speeds, undefined, handed);
  const [engine] = state.pools.get("h200")?.engines ?? [];
  if (engine === undefined) throw new TypeError("the pool has no engine");
  return { state, engine, speeds };
}
