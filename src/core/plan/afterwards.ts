import { disaggregated, together } from "./cost.ts";
import { type Leg, legOf, viewsOf } from "./legs.ts";
import type { LegPlace, Placement } from "./placement.ts";
import type { PlanInput } from "./plan-input.ts";
import { linkBetween, type Scope, scopeOf } from "./scope.ts";

/** What is known of a turn once it is over, tokens. */
export type Known = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Found by the engine that prefilled; absent where nobody told, or where it is another placement's prompt. */
  readonly cachedTokens?: number;
};

/** Prices a placement again with the tokens that there really were, everything else as it was believed at planning. */
export function afterwards(
  input: PlanInput,
  placement: Placement,
  { promptTokens, outputTokens, cachedTokens }: Known,
): Placement | undefined {
  const scope = scopeOf({
    ...input,
    ask: { ...input.ask, promptTokens, expectedOutputTokens: outputTokens },
  });
  if (scope === undefined) return undefined;
  const { prefill, decode } = placement;
  const d = legAt(scope, decode, prefill === undefined ? cachedTokens : undefined);
  if (prefill === undefined) return d && together(scope, d);
  const p = legAt(scope, prefill, cachedTokens);
  const link = linkBetween(input.fleet.links, prefill.pool, decode.pool);
  return p && d && link && disaggregated(scope, p, d, link);
}

function legAt(scope: Scope, place: LegPlace, heldTokens = place.heldTokens): Leg | undefined {
  const { input } = scope;
  const pool = input.fleet.pools.get(place.pool);
  const speed = input.speeds.get(place.pool);
  if (pool === undefined || speed === undefined) return undefined;
  const views = viewsOf(input.views(pool.id), pool, speed);
  const view = views.find(({ engine }) => engine === place.engine);
  if (view === undefined) return undefined;
  const reachMs = input.rttMs(pool.region) + scope.uploadMs;
  const capabilities = input.capabilities(pool.dialect);
  return legOf(scope, pool, speed, capabilities, { ...view, heldTokens }, reachMs);
}
