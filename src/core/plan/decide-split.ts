import { disaggregated, together } from "./cost.ts";
import { type Leg, legOf, legsOf } from "./legs.ts";
import type { EngineView, Placement } from "./placement.ts";
import { doesBoth } from "./plan.ts";
import type { PlanInput } from "./plan-input.ts";
import { type Scope, linkBetween, scopeOf } from "./scope.ts";

/** What the decode engine answered when it was asked first. */
export type DecodeAnswer = {
  readonly engine: string;
  readonly heldTokens: number;
  /** Until the engine can begin, ms. */
  readonly startInMs: number;
};

/** How long a prefill engine keeps blocks that nobody fetches, ms; vLLM's lease is the shortest known. */
const PREFILL_LEASE_MS = 30_000;
/** D has to begin within this share of the lease. */
const LEASE_SHARE = 0.5;

/** Decides the mode of a split request again, with what its decode engine truly holds; keeps the split if nothing is known. */
export function decideSplit(
  input: PlanInput,
  planned: Placement,
  answer: DecodeAnswer,
  leaseMs = PREFILL_LEASE_MS,
): Placement {
  const scope = scopeOf(input);
  if (planned.prefill === undefined || scope === undefined) return planned;
  const decode = answered(scope, planned.decode.pool, answer);
  if (decode === undefined) return planned;
  scope.bestHeld = Math.max(decode.heldTokens, planned.prefill.heldTokens);
  const here = doesBoth(decode) ? together(scope, decode) : undefined;
  const split = again(scope, planned.prefill, decode);
  if (split === undefined) return here ?? planned;
  if (here === undefined) return split;
  if (answer.startInMs > leaseMs * LEASE_SHARE) return here;
  return here.terms.score <= split.terms.score ? here : split;
}

function answered(scope: Scope, poolId: string, answer: DecodeAnswer): Leg | undefined {
  const { input } = scope;
  const pool = input.fleet.pools.get(poolId);
  const speed = input.speeds.get(poolId);
  if (pool === undefined || speed === undefined) return undefined;
  const believed = input.views(poolId).find((view) => view.engine === answer.engine);
  const view: EngineView = {
    batch: 0,
    batchTokens: 0,
    prefillFactor: 1,
    decodeFactor: 1,
    ...believed,
    engine: answer.engine,
    heldTokens: answer.heldTokens,
    queueMs: answer.startInMs,
    // It was granted: the wait for room is in `startInMs`.
    kvFreeTokens: speed.kvTokens,
    healthy: true,
  };
  const reachMs = input.rttMs(pool.region) + scope.uploadMs;
  return legOf(scope, pool, speed, input.capabilities(pool.dialect), view, reachMs);
}

function again(
  scope: Scope,
  planned: NonNullable<Placement["prefill"]>,
  decode: Leg,
): Placement | undefined {
  const { input } = scope;
  const pool = input.fleet.pools.get(planned.pool);
  const speed = input.speeds.get(planned.pool);
  const link = linkBetween(input.fleet.links, planned.pool, decode.pool.id);
  if (pool === undefined || speed === undefined || link === undefined) return undefined;
  const legs = legsOf(scope, pool, speed);
  const prefill = legs.find((leg) => leg.view.engine === planned.engine) ?? legs[0];
  return prefill && disaggregated(scope, prefill, decode, link);
}
