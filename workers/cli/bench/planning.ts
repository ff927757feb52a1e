import { createRegionState, type RegionState } from "../../../src/core/grant/region-state.ts";
import { done } from "../../../src/core/grant/report.ts";
import { grant, type GrantAsk } from "../../../src/core/grant/grant.ts";
import { engineViews } from "../../../src/core/grant/views.ts";
import type { Fleet } from "../../../src/core/fleet.ts";
import { plan, type PlanInput } from "../../../src/core/plan/plan.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { planCapabilities } from "../../../src/region/plan-capabilities.ts";
import { RoundTrips } from "../../../src/turn/round-trips.ts";
import { chainOf, conversation } from "./prompts.ts";
import { syntheticFleet } from "./synthetic-mesh.ts";
import { timeCalls } from "./time-calls.ts";

/** `plan` as a turn calls it, what this isolate knows of every engine included, µs. */
export function benchPlan(poolCount: number, models: "several" | "one", calls: number) {
  const fleet = syntheticFleet({ pools: poolCount, enginesPerPool: 2, models });
  const pools = [...fleet.pools.values()].filter(({ model }) => model === MODEL);
  const asks = asksFor(
    fleet,
    pools.map(({ id }) => id),
  );
  const state = stateWith(fleet, asks);
  const planned = planner(fleet, state);
  const inputs = asks.map(planned);
  const pick = seededRandom(5);
  const us = timeCalls(
    calls,
    WARM_UP,
    () => inputs[Math.floor(pick() * inputs.length)] ?? fail(),
    (input) => void plan(input),
  );
  return { pools: poolCount, eligible: pools.length, us };
}

const MODEL = "large-70b";
/** When a bench takes place, ms. */
export const NOW = 10_000_000;
const WARM_UP = 2000;
const PROMPT_TOKENS = 30_000;
const CONVERSATIONS = 40;

/** Turns of different conversations of 30k tokens, spread over `pools`. */
export function asksFor(fleet: Fleet, pools: readonly string[]): GrantAsk[] {
  const random = seededRandom(1);
  const model = fleet.models.get(MODEL) ?? fail();
  return Array.from({ length: CONVERSATIONS }, (_, n) => {
    const { chain, linkTokens, promptTokens } = chainOf(model, conversation(PROMPT_TOKENS, random));
    const ask = {
      model: MODEL,
      promptTokens,
      expectedOutputTokens: 300,
      bodyBytes: promptTokens * 4,
      splittable: true,
      remainingTurns: 5,
      tokensPerTurn: 500,
    };
    const pool = pools[n % pools.length] ?? fail();
    const held = n % 2 === 0 ? { [`${pool}/0`]: Math.floor(promptTokens * 0.9) } : {};
    const common = { chain, linkTokens, ask, held, avoid: [], handedTokens: 0 };
    return { requestId: `c${n}`, leg: "both", pool, ...common };
  });
}

/**
 * A ledger in which most conversations were seen before: two prefixes of each stand in some engine's cache, one is
 * running. `fill` enters what came before them.
 */
export function stateWith(
  fleet: Fleet,
  asks: readonly GrantAsk[],
  fill: (state: RegionState) => void = () => {},
): RegionState {
  const state = createRegionState(fleet.pools, speedsOf(fleet));
  fill(state);
  const random = seededRandom(3);
  for (const [n, ask] of asks.entries()) {
    for (const share of [0.5, 0.9]) {
      const links = Math.floor(ask.linkTokens.length * share);
      const earlier = {
        ...ask,
        requestId: `e${n}-${share}`,
        chain: ask.chain.subarray(0, links * 8),
        linkTokens: ask.linkTokens.subarray(0, links),
      };
      const answer = grant(state, earlier, NOW, random);
      if (answer.kind === "granted" && share < 0.9) done(state, answer.grant.ticket, NOW, 300);
    }
  }
  return state;
}

/** An edge that knows a ledger, as its isolate keeps it from turn to turn. */
function planner(fleet: Fleet, state: RegionState): (ask: GrantAsk) => PlanInput {
  const speeds = speedsOf(fleet);
  const rtt = new RoundTrips(fleet, { lat: 50, lon: 8 });
  const random = seededRandom(11);
  return ({ ask, chain, linkTokens, held }) => ({
    fleet,
    speeds,
    labels: {
      phase: "prefill-heavy",
      context: "medium",
      urgency: "interactive",
      size: "large",
      place: "anywhere",
    },
    ask,
    rttMs: (region) => rtt.ms(region),
    uploadMsPerMB: 10,
    views: (pool) => engineViews(state, pool, chain, linkTokens, held, NOW),
    avoid: new Set(),
    capabilities: planCapabilities,
    random,
  });
}

function fail(): never {
  throw new TypeError("the bench has nothing to ask");
}
