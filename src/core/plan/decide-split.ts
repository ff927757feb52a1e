import { together } from "./cost.ts";
import { eligiblePools } from "./filters.ts";
import { type Leg, legOf, legsOf } from "./legs.ts";
import { pairs } from "./pairs.ts";
import type { EngineView, Placement } from "./placement.ts";
import { doesBoth } from "./plan.ts";
import type { PlanInput } from "./plan-input.ts";
import { isFed, type Scope, scopeOf } from "./scope.ts";

/** What the engine that decodes answered when it was asked. */
export type DecodeAnswer = {
  readonly engine: string;
  readonly heldTokens: number;
  /** Until the engine can begin, ms. */
  readonly startInMs: number;
  /** Others that decode there, and the share of its time that prompts took lately; what is believed where absent. */
  readonly decoding?: number | undefined;
  readonly promptShare?: number | undefined;
  /** Engine id → prefix tokens that engines of other pools hold; what is believed where absent. */
  readonly elsewhere?: Readonly<Record<string, number>> | undefined;
};

type Decided = Pick<Placement, "mode" | "prefill" | "decode">;

/** How long a prefill engine keeps blocks that nobody fetches, ms; vLLM's lease is the shortest known. */
const PREFILL_LEASE_MS = 30_000;
/** D has to begin within this share of the lease. */
const LEASE_SHARE = 0.5;

/** Asking for an engine once more, beyond the round trip, ms. */
const ASK_AGAIN_MS = 10;

/** Whether the mode of a placement is worth deciding again once the engine that decodes has answered: some may be split. */
export function mayDecideAgain(
  fleet: PlanInput["fleet"],
  ask: PlanInput["ask"],
  { prefill, decode }: Decided,
): boolean {
  return prefill !== undefined || (ask.splittable && isFed(fleet, { id: decode.pool }));
}

/**
 * Decides the mode of a request again, with what the engine that decodes truly holds and how busy it is; keeps it if
 * nothing is known.
 */
export function decideSplit<P extends Decided>(
  input: PlanInput,
  planned: P,
  answer: DecodeAnswer,
  leaseMs = PREFILL_LEASE_MS,
): P | Placement {
  const scope = scopeOf(corrected(input, answer));
  if (scope === undefined || !mayDecideAgain(input.fleet, input.ask, planned)) return planned;
  const decode = answered(scope, planned.decode.pool, answer);
  if (decode === undefined) return planned;
  scope.bestHeld = Math.max(decode.heldTokens, heldToPrefill(planned, answer));
  const here = doesBoth(decode) ? together(scope, decode) : undefined;
  const split = elsewhere(scope, decode);
  if (split === undefined) return here ?? planned;
  if (here === undefined) return split;
  if (answer.startInMs > leaseMs * LEASE_SHARE) return here;
  const againMs = planned.prefill === undefined ? ASK_AGAIN_MS + decode.reachMs : 0;
  return here.terms.score <= split.terms.score + againMs * scope.valuePerMs ? here : split;
}

/** The same with what the region of the engine that decodes knows of the others. */
function corrected(input: PlanInput, { elsewhere }: DecodeAnswer): PlanInput {
  if (elsewhere === undefined) return input;
  const views = (pool: string): EngineView[] =>
    input.views(pool).map((view) => {
      const heldTokens = elsewhere[view.engine];
      return heldTokens === undefined ? view : { ...view, heldTokens };
    });
  return { ...input, views };
}

function heldToPrefill({ prefill }: Decided, { elsewhere }: DecodeAnswer): number {
  return prefill === undefined ? 0 : (elsewhere?.[prefill.engine] ?? prefill.heldTokens);
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
    ...(answer.decoding !== undefined && { batch: answer.decoding }),
    ...(answer.promptShare !== undefined && { promptShare: answer.promptShare }),
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

/** The cheapest way to prefill it in another pool. */
function elsewhere(scope: Scope, decode: Leg): Placement | undefined {
  const { input } = scope;
  const others = eligiblePools(scope).flatMap((pool) => {
    const speed = input.speeds.get(pool.id);
    const legs = speed && pool.id !== decode.pool.id ? legsOf(scope, pool, speed) : [];
    return legs.length > 0 ? [legs] : [];
  });
  const splits = pairs(scope, [...others, [decode]]);
  return splits
    .filter((split) => split.decode.pool === decode.pool.id)
    .toSorted((a, b) => a.terms.score - b.terms.score)[0];
}
