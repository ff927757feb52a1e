import type { Phase } from "../core/fleet.ts";
import type { Forecast, Receipt, Segment, Work } from "../core/receipt.ts";
import type { Plan, Placement } from "../core/plan/placement.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Prepared } from "./prepare.ts";

/** How a turn came out, before it is written down. */
export type Outcome = {
  readonly status: Receipt["status"];
  readonly error?: string;
  readonly plan: Plan;
  readonly runs: readonly LegRun[];
  /** The placement that answered, when one did. */
  readonly served?: {
    readonly placement: Placement;
    readonly prefill?: LegRun;
    readonly answer: LegRun;
  };
  /** Output tokens that reached the client: the engine's count, else frames seen. */
  readonly outputTokens: number;
  readonly outputKnown: Segment["known"];
  readonly endedAt: number;
};

/** What one turn's prompt was, in the engine's own count where it was told. */
export type PromptCount = {
  readonly promptTokens: number;
  readonly cachedTokens: number | undefined;
};

/** Writes the receipt of a turn: what was served tiles the tokens, what ran is all listed. */
export function buildReceipt(
  deps: TurnDeps,
  turn: Prepared,
  session: string,
  turnNumber: number,
  outcome: Outcome,
): Receipt {
  const { served, plan } = outcome;
  const count = promptCount(deps, turn, outcome);
  const work = outcome.runs.map((run) => workOf(deps, turn, run));
  const wasted = work.filter((item) => item.outcome !== "served");
  const first = served ?? undefined;
  const chosen = plan.placements[0];
  const runnerUp = plan.placements[1];
  return {
    object: "receipt",
    version: 1,
    id: turn.receiptId,
    tenant: turn.tenant,
    session,
    turn: turnNumber,
    edge: deps.edge,
    model: turn.model.id,
    ...(turn.workload !== undefined && { workload: turn.workload }),
    labels: turn.labels,
    mode: first?.placement.mode ?? chosen?.mode ?? "together",
    status: outcome.status,
    ...(outcome.error !== undefined && { error: outcome.error }),
    createdAt: turn.startedAt,
    endedAt: outcome.endedAt,
    promptTokens: count.promptTokens,
    outputTokens: outcome.outputTokens,
    ...(first !== undefined && { firstTokenFrom: "decode" as Phase }),
    segments: first === undefined ? [] : segmentsOf(deps, first, count, outcome),
    work,
    waste: {
      legs: wasted.length,
      promptTokens: sum(wasted, (item) => item.computedTokens ?? 0),
      outputTokens: sum(wasted, (item) => item.outputTokens ?? 0),
    },
    candidates: plan.candidates,
    refusals: plan.refusals,
    predicted: forecast(deps, turn, chosen),
    actual: actual(turn, outcome, count),
    ...(runnerUp !== undefined && {
      runnerUp: {
        placement: [runnerUp.prefill?.engine, runnerUp.decode.engine].filter(Boolean).join(" → "),
        terms: runnerUp.terms,
      },
    }),
    ...(plan.explored !== undefined && { explored: plan.explored }),
  };
}

/** The served prompt as its engine counted it; cached tokens from the leg that tells them truly, or unknown. */
export function promptCount(deps: TurnDeps, turn: Prepared, outcome: Outcome): PromptCount {
  const { served } = outcome;
  const counted = served?.answer.usage ?? served?.prefill?.usage;
  const promptTokens = counted?.promptTokens ?? turn.ask.promptTokens;
  return { promptTokens, cachedTokens: served && truthfulCached(deps, turn, served) };
}

function truthfulCached(
  deps: TurnDeps,
  turn: Prepared,
  served: NonNullable<Outcome["served"]>,
): number | undefined {
  const { prefill, answer } = served;
  const { cachedFrom } = deps.capabilities(turn.dialectOf(answer.grant.pool));
  if (prefill !== undefined) {
    return cachedFrom.disaggregated === "prefill" ? prefill.usage?.cachedTokens : undefined;
  }
  return cachedFrom.together ? answer.usage?.cachedTokens : undefined;
}

function segmentsOf(
  deps: TurnDeps,
  served: NonNullable<Outcome["served"]>,
  count: PromptCount,
  outcome: Outcome,
): Segment[] {
  const { prefill, answer, placement } = served;
  const run = prefill ?? answer;
  const { promptTokens, cachedTokens } = count;
  const input = {
    ...place(deps, run),
    phase: "prefill" as const,
    reason: run.grant.reason,
    startedAt: run.startedAt,
    endedAt: prefill?.endedAt ?? answer.firstTokenAt ?? outcome.endedAt,
  };
  const known = run.usage === undefined ? ("assumed" as const) : ("reported" as const);
  const segments: Segment[] = [];
  if (cachedTokens === undefined) {
    segments.push({ ...input, from: 0, to: promptTokens, kv: "unknown", known });
  } else {
    if (cachedTokens > 0)
      segments.push({ ...input, from: 0, to: cachedTokens, kv: "cached", known });
    if (cachedTokens < promptTokens) {
      segments.push({
        ...input,
        from: cachedTokens,
        to: promptTokens,
        kv: "computed",
        known: known === "reported" ? "derived" : known,
      });
    }
  }
  if (outcome.outputTokens > 0) {
    segments.push({
      ...place(deps, answer),
      phase: "decode",
      from: 0,
      to: outcome.outputTokens,
      startedAt: answer.firstTokenAt ?? answer.startedAt,
      endedAt: outcome.endedAt,
      reason:
        placement.mode === "disaggregated"
          ? `continues on the KV cache handed over by ${prefill?.grant.engine ?? "prefill"}`
          : answer.grant.reason,
      known: outcome.outputKnown,
    });
  }
  return segments;
}

function place(deps: TurnDeps, run: LegRun) {
  const pool = deps.fleet.pools.get(run.grant.pool);
  return { engine: run.grant.engine, device: pool?.device ?? "", region: pool?.region ?? "" };
}

function workOf(deps: TurnDeps, turn: Prepared, run: LegRun): Work {
  const { usage } = run;
  const { cachedFrom } = deps.capabilities(turn.dialectOf(run.grant.pool));
  const cached =
    run.leg === "decode" || (run.leg === "both" && !cachedFrom.together)
      ? undefined
      : usage?.cachedTokens;
  return {
    engine: run.grant.engine,
    leg: run.leg,
    requestId: run.requestId,
    outcome: run.outcome ?? "cancelled",
    ...(run.why !== undefined && { why: run.why }),
    startedAt: run.startedAt,
    endedAt: run.endedAt ?? run.startedAt,
    ...(usage !== undefined && {
      promptTokens: usage.promptTokens,
      outputTokens: usage.outputTokens,
    }),
    ...(usage !== undefined &&
      cached !== undefined && {
        cachedTokens: cached,
        computedTokens: usage.promptTokens - cached,
      }),
  };
}

function forecast(deps: TurnDeps, turn: Prepared, placement: Placement | undefined): Forecast {
  if (placement === undefined) return {};
  const { terms } = placement;
  return {
    ttftMs: terms.ttftMs,
    tpotMs: terms.tpotMs,
    cachedTokens: Math.min(
      turn.ask.promptTokens,
      (placement.prefill ?? placement.decode).heldTokens,
    ),
    kvBytes: placement.kvBytes,
    usd: terms.usd,
    joules: terms.joules,
  };
}

function actual(turn: Prepared, outcome: Outcome, count: PromptCount): Forecast {
  const answer = outcome.served?.answer;
  if (answer?.firstTokenAt === undefined) return {};
  const decodeMs = outcome.endedAt - answer.firstTokenAt;
  return {
    ttftMs: answer.firstTokenAt - turn.startedAt,
    ...(outcome.outputTokens > 1 && { tpotMs: decodeMs / (outcome.outputTokens - 1) }),
    ...(count.cachedTokens !== undefined && { cachedTokens: count.cachedTokens }),
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
