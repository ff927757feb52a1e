import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, fleet, planInput, pool } from "./plan-fixtures.ts";

const nearAndFar = fleet({ poolList: [pool("far", { region: "ams" }), pool("near")] });

/** How much more the far pool is expected to cost than the near one, dollars. */
function distanceUsd(remainingTurns: number): number {
  const input = planInput({ fleet: nearAndFar, ask: ask({ remainingTurns }) });
  const { placements } = plan(input);
  const scoreOf = (id: string) =>
    placements.find(({ decode }) => decode.pool === id)?.terms.score ?? Number.NaN;
  return scoreOf("far") - scoreOf("near");
}

describe("a place far from the user", () => {
  it("costs its round trip in this turn and in every turn that is expected to follow", () => {
    const once = distanceUsd(0);
    const perTurnUsd = 85 * 0.001 * 0.001;
    expect(once).toBeGreaterThanOrEqual(perTurnUsd);
    expect(distanceUsd(3) - once).toBeCloseTo(3 * perTurnUsd, 8);
  });
});
