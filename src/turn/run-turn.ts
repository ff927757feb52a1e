import type { Placement, Plan } from "../core/plan/placement.ts";
import { plan } from "../core/plan/plan.ts";
import type { LegFailure } from "../region/service.ts";
import { attempt, type Attempt, type LegRun } from "./legs.ts";
import type { TurnDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";

/** 800 Mb/s between an edge and a region. */
const UPLOAD_MS_PER_MB = 10;

/** What came of trying placements until one gave content. */
export type Tried = {
  readonly plan: Plan;
  readonly runs: LegRun[];
  readonly result:
    | Extract<Attempt, { ok: true }>
    | { readonly ok: false; readonly failure: LegFailure };
};

/** Step 5: orders the placements of a prepared turn. */
export function planTurn(
  deps: TurnDeps,
  turn: Prepared,
  avoid: ReadonlySet<string> = new Set(),
): Plan {
  const now = deps.now();
  return plan({
    fleet: deps.fleet,
    speeds: deps.speeds,
    labels: turn.labels,
    ask: turn.ask,
    rttMs: (region) => deps.rtt.ms(region),
    views: (pool) =>
      deps.views({
        pool,
        chain: turn.chain.bytes,
        linkTokens: turn.linkTokens,
        held: turn.held,
        now,
      }),
    avoid,
    capabilities: deps.capabilities,
    random: deps.random,
    uploadMsPerMB: UPLOAD_MS_PER_MB,
    ...(turn.explain === "full" && { explain: "full" as const }),
  });
}

/**
 * Step 6: tries placements in order until one gives content. A failed engine is avoided from then on; a request that
 * the engine refused as the caller's mistake is not tried elsewhere.
 */
export async function tryPlacements(deps: TurnDeps, turn: Prepared, first: Plan): Promise<Tried> {
  const runs: LegRun[] = [];
  const avoid = new Set<string>();
  let ordered: readonly Placement[] = first.placements;
  let failure: LegFailure = nowhere(first);
  for (let tries = 0; tries < deps.settings.maxAttempts; tries += 1) {
    const placement = ordered[0];
    if (placement === undefined) break;
    const requestId = tries === 0 ? turn.requestId : `${turn.requestId}-${tries}`;
    const result = await attempt(deps, turn, placement, requestId, [...avoid], runs);
    if (result.ok) return { plan: first, runs, result };
    failure = result.failure;
    if (failure.kind === "caller" || turn.signal.aborted) break;
    if (result.engine === "") {
      // A pool had no engine to give: go on to the next placement as planned.
      ordered = ordered.slice(1);
      continue;
    }
    avoid.add(result.engine);
    ordered = planTurn(deps, turn, avoid).placements;
  }
  return { plan: first, runs, result: { ok: false, failure } };
}

function nowhere({ refusals }: Plan): LegFailure {
  const reasons = Object.entries(refusals)
    .map(([filter, count]) => `${filter} (${count})`)
    .join(", ");
  return {
    kind: "overloaded",
    message: `no engine can take this request: ${reasons || "none configured"}`,
  };
}
