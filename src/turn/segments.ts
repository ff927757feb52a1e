import type { Phase } from "../core/fleet.ts";
import type { Segment, Work } from "../core/receipt.ts";
import { cachedFigure, type ServedLegs } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Outcome } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";

/** What one turn's prompt was, in the engine's own count where it was told. */
export type PromptCount = {
  readonly promptTokens: number;
  readonly cachedTokens: number | undefined;
};

/** The served prompt as its engine counted it; cached tokens from the leg that tells them truly, or unknown. */
export function promptCount(deps: TurnDeps, turn: Prepared, { served }: Outcome): PromptCount {
  const counted = served?.answer.usage ?? served?.prefill?.usage;
  const promptTokens = counted?.promptTokens ?? turn.ask.promptTokens;
  return { promptTokens, cachedTokens: served && cachedFigure(deps, turn, served) };
}

/** Tiles what was served: every input token in one prefill segment, every output token in one decode segment. */
export function segmentsOf(
  deps: TurnDeps,
  served: NonNullable<Outcome["served"]>,
  count: PromptCount,
  outcome: Outcome,
): Segment[] {
  const { prefill, answer } = served;
  const segments = inputSegments(deps, served, count, outcome.endedAt);
  if (outcome.outputTokens === 0) return segments;
  segments.push({
    ...place(deps, answer, "decode"),
    phase: "decode",
    from: 0,
    to: outcome.outputTokens,
    startedAt: answer.firstTokenAt ?? answer.startedAt,
    endedAt: outcome.endedAt,
    reason:
      prefill === undefined || answer.recomputed
        ? answer.grant.reason
        : `continues on the KV cache handed over by ${prefill.grant.engine}`,
    known: outcome.outputKnown,
  });
  return segments;
}

/** Why another mode than was planned, once the engine that decodes had answered. */
const BETTER = "asked to decode, it was the better place for both";
const BUSY = "the engine that decodes was too busy to compute it as well";

function inputSegments(
  deps: TurnDeps,
  { prefill, answer, redecided }: ServedLegs & { readonly redecided?: boolean },
  { promptTokens, cachedTokens }: PromptCount,
  endedAt: number,
): Segment[] {
  const alone = prefill === undefined || answer.recomputed === true;
  const run = alone ? answer : prefill;
  const reason = answer.recomputed ? `${prefill?.why ?? "recomputed"}` : run.grant.reason;
  const input = {
    ...place(deps, run, "prefill"),
    phase: "prefill" as const,
    reason: redecided ? `${reason}; ${prefill ? BUSY : BETTER}` : reason,
    startedAt: run.startedAt,
    endedAt: (alone ? undefined : prefill.endedAt) ?? answer.firstTokenAt ?? endedAt,
  };
  const isTold = run.usage !== undefined && run.isAssumed !== true;
  const known = isTold ? ("reported" as const) : ("assumed" as const);
  if (cachedTokens === undefined) {
    return [{ ...input, from: 0, to: promptTokens, kv: "unknown", known }];
  }
  const segments: Segment[] = [];
  if (cachedTokens > 0) segments.push({ ...input, from: 0, to: cachedTokens, kv: "cached", known });
  if (cachedTokens < promptTokens) {
    segments.push({
      ...input,
      from: cachedTokens,
      to: promptTokens,
      kv: "computed",
      known: known === "reported" ? "derived" : known,
    });
  }
  return segments;
}

function place(deps: TurnDeps, { grant, told }: LegRun, phase: Phase) {
  const pool = deps.fleet.pools.get(grant.pool);
  const toldEngine = told?.[phase];
  return {
    engine: grant.engine,
    ...(toldEngine !== undefined && { toldEngine }),
    device: pool?.device ?? "",
    region: pool?.region ?? "",
  };
}

/** One leg that ran, whatever became of it. */
export function workOf(deps: TurnDeps, turn: Prepared, run: LegRun): Work {
  const { usage, tokenFrames } = run;
  const { pin: _pin, ...told } = run.told ?? {};
  const { cachedFrom } = deps.capabilities(turn.dialectOf(run.grant.pool));
  const cached =
    (run.leg === "decode" && run.recomputed !== true) ||
    (run.leg === "both" && !cachedFrom.together)
      ? undefined
      : usage?.cachedTokens;
  const outputTokens = usage?.outputTokens ?? tokenFrames;
  return {
    engine: run.grant.engine,
    leg: run.leg,
    requestId: run.requestId,
    outcome: run.outcome ?? "cancelled",
    ...(run.why !== undefined && { why: run.why }),
    ...(run.isAssumed && { known: "assumed" as const }),
    startedAt: run.startedAt,
    endedAt: run.endedAt ?? run.startedAt,
    ...(usage !== undefined && { promptTokens: usage.promptTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(usage !== undefined &&
      cached !== undefined && {
        cachedTokens: cached,
        computedTokens: usage.promptTokens - cached,
      }),
    ...(run.imported && { imported: run.imported }),
    ...(Object.keys(told).length > 0 && { told }),
  };
}
