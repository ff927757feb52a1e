import { decideSplit, mayDecideAgain } from "../core/plan/decide-split.ts";
import type { EngineView, Placement, Plan } from "../core/plan/placement.ts";
import { plan } from "../core/plan/plan.ts";
import type { PlanInput } from "../core/plan/plan-input.ts";
import type { LegFailure } from "../region/service.ts";
import { attempt } from "./attempt.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import { nowhere } from "./nowhere.ts";
import type { Prepared } from "./prepare.ts";
import type { Attempt } from "./try.ts";

/** 800 Mb/s between an edge and a region. */
const UPLOAD_MS_PER_MB = 10;
/** An engine that takes this many times longer than planned is given up while there is another. */
const PATIENCE = 5;

/** A plan and what it was made from, so that it can be priced again. */
export type Planned = Plan & { readonly input: PlanInput };

/** What came of trying placements until one gave content. */
export type Tried = {
  readonly plan: Planned;
  readonly runs: LegRun[];
  readonly result:
    | Extract<Attempt, { ok: true }>
    | { readonly ok: false; readonly failure: LegFailure };
};

/** What ran before for the same turn, to which is added what runs, and the engines that are not to be asked. */
type Earlier = { readonly runs: LegRun[]; readonly avoid: ReadonlySet<string> };

/** Step 5: orders the placements of a prepared turn. */
export function planTurn(
  deps: TurnDeps,
  turn: Prepared,
  avoid: ReadonlySet<string> = new Set(),
): Planned {
  const input = planInput(deps, turn, avoid);
  return { ...plan(input), input };
}

/**
 * Step 6: tries placements in order until one gives content. A failed engine is avoided from then on; a request that
 * the engine refused as the caller's mistake is not tried elsewhere.
 */
export async function tryPlacements(
  deps: TurnDeps,
  turn: Prepared,
  first: Planned,
  earlier: Earlier = { runs: [], avoid: new Set() },
): Promise<Tried> {
  const { maxAttempts } = deps.settings;
  const { runs } = earlier;
  const avoid = new Set(earlier.avoid);
  const suspected = new Set<string>();
  let planned = first;
  let ordered: readonly Placement[] = first.placements;
  let failure: LegFailure = nowhere(turn, first);
  let asking = turn;
  for (let tries = 0; tries < maxAttempts; tries += 1) {
    const placement = ordered[0];
    if (placement === undefined) break;
    const { input } = planned;
    const isAnotherLeft = ordered.length > 1 && tries + 1 < maxAttempts;
    const result = await attempt(deps, asking, {
      placement,
      requestId: tries === 0 ? turn.requestId : `${turn.requestId}-${tries}`,
      avoid: [...avoid, ...suspected],
      runs,
      firstTokenTimeoutMs: patienceMs(deps, placement, isAnotherLeft),
      startBy: startBy(deps, turn, placement, elsewhere(ordered, placement)[0]),
      isOpen: isOpen(deps, turn, placement, tries),
      decide: (planned, decode) => decideAgain(deps, input, planned, decode),
    });
    if (result.ok) return { plan: first, runs, result };
    // What an engine said tells more than a pool that had none to give.
    const { engines, suspects = [] } = result;
    const isEncoders = result.failure.blames === "encoder";
    const isAnEngines = engines.length > 0 || suspects.length > 0 || isEncoders;
    if (isAnEngines || avoid.size === 0) failure = result.failure;
    if (failure.kind === "caller" || turn.signal.aborted) break;
    if (!isAnEngines) {
      // A pool had no engine to give: go on to the next placement that does not ask the same.
      ordered = elsewhere(ordered, placement);
      continue;
    }
    asking = encodingItself(turn);
    for (const engine of engines) avoid.add(engine);
    for (const engine of suspects) suspected.add(engine);
    planned = planAgain(deps, turn, avoid, suspected);
    ordered = planned.placements;
  }
  return { plan: first, runs, result: { ok: false, failure } };
}

/** Orders what is left after a failure; engines that are only suspected come in again where nobody else is left. */
function planAgain(
  deps: TurnDeps,
  turn: Prepared,
  avoid: ReadonlySet<string>,
  suspected: Set<string>,
): Planned {
  // A handle serves once, and may be what went wrong.
  const { kept: _used, ...ask } = turn.ask;
  const left = { ...turn, ask };
  const planned = planTurn(deps, left, new Set([...avoid, ...suspected]));
  if (planned.placements.length > 0 || suspected.size === 0) return planned;
  suspected.clear();
  // Whoever it was, what fails is between two engines: first one that serves alone.
  const alone = planTurn(deps, { ...left, ask: { ...ask, splittable: false } }, avoid);
  return alone.placements.length > 0 ? alone : planTurn(deps, left, avoid);
}

/** What decodes can encode as well; whether what should have encoded was at fault, not every failure tells. */
function encodingItself(turn: Prepared): Prepared {
  return { ...turn, chain: { ...turn.chain, media: [] } };
}

/** Placements in other pools than this one's: which engine of a pool it is, the pool decides. */
function elsewhere(
  ordered: readonly Placement[],
  { prefill, decode }: Placement,
): readonly Placement[] {
  return ordered.filter(
    (other) => other.decode.pool !== decode.pool || other.prefill?.pool !== prefill?.pool,
  );
}

function planInput(deps: TurnDeps, turn: Prepared, avoid: ReadonlySet<string>): PlanInput {
  const now = deps.now();
  const seen = new Map<string, readonly EngineView[]>();
  return {
    fleet: deps.fleet,
    speeds: deps.speeds,
    labels: turn.labels,
    ask: turn.ask,
    rttMs: (region) => deps.rtt.ms(region),
    views(pool) {
      const { chain, linkTokens, held } = turn;
      const views =
        seen.get(pool) ?? deps.views({ pool, chain: chain.bytes, linkTokens, held, now });
      seen.set(pool, views);
      return views;
    },
    avoid,
    capabilities: deps.capabilities,
    random: deps.random,
    uploadMsPerMB: UPLOAD_MS_PER_MB,
    ...(turn.explain === "full" && { explain: "full" as const }),
  };
}

/** What came together in the end is not split again: a split had its turn. */
function isOpen({ fleet }: TurnDeps, { ask }: Prepared, placement: Placement, tries: number) {
  return mayDecideAgain(fleet, ask, placement) && (placement.prefill !== undefined || tries === 0);
}

/**
 * With the engine that decodes granted, its own word of what it holds, or would have pulled by then, and how busy it is
 * replaces the plan's belief.
 */
function decideAgain(
  deps: TurnDeps,
  input: PlanInput,
  planned: Placement,
  { grant }: LegRun,
): Placement {
  const { pull } = grant;
  const startInMs = Math.max(0, grant.startAt - deps.now(), pull?.ms ?? 0);
  const heldTokens = pull?.tokens ?? grant.heldTokens;
  return decideSplit(input, planned, { ...grant, heldTokens, startInMs });
}

/** Waiting costs the value of time: until when it is still cheaper than the next placement, epoch ms. */
function startBy(
  deps: TurnDeps,
  turn: Prepared,
  { terms }: Placement,
  next: Placement | undefined,
): number {
  if (next === undefined) return Infinity;
  const valuePerMs = deps.fleet.prices.valueOfTimeUsdPerS[turn.labels.urgency] / 1000;
  const slackMs = Math.max(0, next.terms.score - terms.score) / Math.max(valuePerMs, 1e-12);
  return deps.now() + terms.queueMs + slackMs + LEAST_PATIENCE_MS;
}

/** Less is not worth a round trip to another region. */
const LEAST_PATIENCE_MS = 100;

/** How long a leg may be silent: while another placement is left, in proportion to what was planned. */
function patienceMs(deps: TurnDeps, { terms }: Placement, isAnotherLeft: boolean): number {
  const { firstTokenTimeoutMs, firstTokenGraceMs } = deps.settings;
  if (!isAnotherLeft) return firstTokenTimeoutMs;
  return Math.min(firstTokenTimeoutMs, firstTokenGraceMs + PATIENCE * terms.ttftMs);
}
