import type { Phase } from "../core/fleet.ts";
import type { Segment, Work } from "../core/receipt.ts";
import { cachedFigure, type ServedLegs } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Outcome, Sequel } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";

/** What one turn's prompt was, in the engine's own count where it was told. */
export type PromptCount = {
  readonly promptTokens: number;
  readonly cachedTokens: number | undefined;
};

/** The served prompt as its engine counted it; cached tokens from the leg that tells them truly, or unknown. */
export function promptCount(deps: TurnDeps, turn: Prepared, outcome: Outcome): PromptCount {
  const { served } = outcome;
  const counted = served?.answer.usage ?? served?.prefill?.usage;
  const promptTokens = counted?.promptTokens ?? outcome.promptTokens ?? turn.ask.promptTokens;
  return { promptTokens, cachedTokens: served && cachedFigure(deps, turn, served) };
}

/** Tiles what was served: every input token in one prefill segment, every output token in one decode segment. */
export function segmentsOf(
  deps: TurnDeps,
  served: NonNullable<Outcome["served"]>,
  count: PromptCount,
  outcome: Outcome,
): Segment[] {
  const segments = inputSegments(deps, served, count, outcome.endedAt);
  const { sequels = [] } = outcome;
  const starts = [0, ...sequels.map(({ request }) => request.from)];
  const parts = [served, ...sequels.map((sequel) => sequel.served)].map((legs, index) => ({
    ...decodeSegment(deps, legs, outcome, sequels[index - 1]),
    from: starts[index] ?? 0,
    to: starts[index + 1] ?? outcome.outputTokens,
  }));
  return [...segments, ...parts.filter(({ from, to }) => from < to)];
}

function decodeSegment(
  deps: TurnDeps,
  { prefill, answer }: ServedLegs,
  outcome: Outcome,
  sequel: Sequel | undefined,
): Omit<Segment, "from" | "to"> {
  const isSampledAnew = sequel?.request.isSampledAnew === true;
  const reason =
    prefill === undefined || answer.recomputed
      ? answer.grant.reason
      : `continues on the KV cache handed over by ${prefill.grant.engine}`;
  return {
    ...place(deps, answer, "decode"),
    phase: "decode",
    startedAt: answer.firstTokenAt ?? answer.startedAt,
    endedAt: answer.outcome === "failed" ? (answer.endedAt ?? outcome.endedAt) : outcome.endedAt,
    reason: sequel
      ? `goes on from what ${sequel.lost} had said when it was lost${isSampledAnew ? ", sampled anew" : ""}; ${reason}`
      : reason,
    ...(sequel && { sequel: isSampledAnew ? ("sampled-anew" as const) : ("greedy" as const) }),
    known: outcome.outputKnown,
  };
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
  const reasonHere = redecided ? `${reason}; ${prefill ? BUSY : BETTER}` : reason;
  const input = {
    ...place(deps, run, "prefill"),
    phase: "prefill" as const,
    reason: reasonHere,
    startedAt: run.startedAt,
    endedAt: (alone ? undefined : prefill.endedAt) ?? answer.firstTokenAt ?? endedAt,
  };
  const isTold = run.usage !== undefined && run.isAssumed !== true;
  const known = isTold ? ("reported" as const) : ("assumed" as const);
  if (cachedTokens === undefined) {
    return [{ ...input, from: 0, to: promptTokens, kv: "unknown", known }];
  }
  const pulled = pulledTokens(run, cachedTokens);
  const segments: Segment[] = [];
  const own = { ...input, from: 0, to: cachedTokens - pulled, kv: "cached", known } as const;
  if (own.to > 0) segments.push(own);
  if (pulled > 0) {
    const pulledFrom = run.grant.pull?.from ?? "";
    const why = `pulled from ${pulledFrom}`;
    segments.push({ ...own, from: own.to, to: cachedTokens, pulledFrom, reason: why });
  }
  if (cachedTokens < promptTokens) {
    segments.push({
      ...input,
      reason: `${reasonHere}${unpulled(run)}`,
      from: cachedTokens,
      to: promptTokens,
      kv: "computed",
      known: known === "reported" ? "derived" : known,
    });
  }
  return segments;
}

/** Of the tokens that a leg found cached, those that it had pulled from another engine before. */
function pulledTokens({ grant, told }: LegRun, cachedTokens: number): number {
  const fetched = told?.fetched;
  if (grant.pull === undefined || fetched === undefined || "failed" in fetched) return 0;
  return Math.min(fetched.tokens, cachedTokens);
}

/** Why a leg computed what it was to pull. */
function unpulled({ grant, told, refusedPull }: LegRun): string {
  if (grant.pull === undefined) return "";
  if (refusedPull) return "; its engine would not pull that";
  const isFailed = told?.fetched !== undefined && "failed" in told.fetched;
  return isFailed ? "; nothing came of that" : "";
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
    ...pullOf(deps, run),
    ...(Object.keys(told).length > 0 && { told }),
  };
}

/** What a leg was granted to pull, and what that was expected to take. */
function pullOf(deps: TurnDeps, { grant, refusedPull }: LegRun): Pick<Work, "pull"> {
  if (grant.pull === undefined) return {};
  const { from, tokens, movedTokens, ms } = grant.pull;
  const model = deps.fleet.pools.get(grant.pool)?.model ?? "";
  const bytes = movedTokens * (deps.fleet.models.get(model)?.kvBytesPerToken ?? 0);
  return { pull: { from, tokens, bytes, ms, ...(refusedPull && { refused: true }) } };
}
