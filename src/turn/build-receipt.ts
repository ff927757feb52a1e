import { afterwards } from "../core/plan/afterwards.ts";
import type { Placement } from "../core/plan/placement.ts";
import type { Forecast, KvMoved, Receipt } from "../core/receipt.ts";
import type { TurnDeps } from "./deps.ts";
import { encodeWorkOf } from "./encode-work.ts";
import type { LegRun } from "./legs.ts";
import type { Outcome } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import { promptCount, type PromptCount, segmentsOf, workOf } from "./segments.ts";

/** Writes the receipt of a turn: what was served tiles the tokens, what ran is all listed. */
export function buildReceipt(
  deps: TurnDeps,
  turn: Prepared,
  session: string,
  turnNumber: number,
  outcome: Outcome,
  exported?: KvMoved,
): Receipt {
  const { served, tried } = outcome;
  const { plan } = tried;
  const count = promptCount(deps, turn, outcome);
  const work = tried.runs.flatMap((run) => [...encodeWorkOf(run), workOf(deps, turn, run)]);
  const wasted = work.filter((item) => item.outcome !== "served");
  const chosen = plan.placements[0];
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
    mode: served?.placement.mode ?? chosen?.mode ?? "together",
    status: outcome.status,
    ...(outcome.error !== undefined && { error: outcome.error }),
    createdAt: turn.startedAt,
    endedAt: outcome.endedAt,
    promptTokens: count.promptTokens,
    outputTokens: outcome.outputTokens,
    ...(served !== undefined &&
      !turn.request.embeds && { firstTokenFrom: firstTokenFrom(deps, turn, served) }),
    segments: served === undefined ? [] : segmentsOf(deps, served, count, outcome),
    work,
    waste: {
      legs: wasted.length,
      promptTokens: sum(wasted, (item) => item.computedTokens ?? 0),
      // What a leg said before another went on with it reached the client.
      outputTokens: sum(wasted, (item) => item.outputTokens ?? 0) - deliveredByLost(outcome),
    },
    candidates: plan.candidates,
    refusals: plan.refusals,
    predicted: forecast(turn, chosen),
    actual: actual(turn, outcome, count),
    ...runnerUp(outcome, count),
    ...(plan.explored !== undefined && { explored: plan.explored }),
    ...(exported && { exported }),
  };
}

/**
 * What the turn really took. Dollars, joules and bytes are the plan's formulas over the tokens that there were, save for
 * bytes that their engine told.
 */
export function actual(turn: Prepared, outcome: Outcome, count: PromptCount): Forecast {
  const { served, outputTokens, endedAt } = outcome;
  if (served === undefined) return {};
  const { cachedTokens } = count;
  const { firstTokenAt } = served.answer;
  return {
    ...(firstTokenAt !== undefined && { ttftMs: firstTokenAt - turn.startedAt }),
    ...(firstTokenAt !== undefined &&
      outputTokens > 1 && { tpotMs: (endedAt - firstTokenAt) / (outputTokens - 1) }),
    ...(cachedTokens !== undefined && { cachedTokens }),
    ...handedOver(served.answer),
    ...pricedLegs(outcome, count),
    ...uncached(outcome, count),
  };
}

/** What a decode leg told of the KV cache that it was handed. */
function handedOver({ leg, told }: LegRun): Pick<Forecast, "kvBytes" | "handoffMs"> {
  const fetched = told?.fetched;
  if (leg !== "decode" || fetched === undefined || "failed" in fetched) return {};
  return { kvBytes: fetched.bytes, handoffMs: fetched.ms };
}

/** The formulas over what answered and over each sequel, whose prompt is what was delivered before it as well. */
function pricedLegs(
  { served, tried, sequels = [], outputTokens }: Outcome,
  { promptTokens, cachedTokens }: PromptCount,
): Pick<Forecast, "kvBytes" | "usd" | "joules"> {
  const starts = sequels.map(({ request }) => request.from);
  const first = { input: tried.plan.input, served, cached: cachedTokens };
  const later = sequels.map((sequel) => ({
    input: sequel.input,
    served: sequel.served,
    cached: sequel.served.answer.usage?.cachedTokens,
  }));
  const priced = [first, ...later].map(({ input, served, cached }, index) => {
    const before = starts[index - 1] ?? 0;
    const known = {
      promptTokens: promptTokens + before,
      outputTokens: (starts[index] ?? outputTokens) - before,
      ...(cached !== undefined && { cachedTokens: cached }),
    };
    const computed = served && afterwards(input, served.placement, known);
    return computed && { ...computed, ...handedOver(served.answer) };
  });
  if (!priced.every((one) => one !== undefined)) return {};
  return {
    kvBytes: sum(priced, ({ kvBytes }) => kvBytes),
    usd: sum(priced, ({ terms }) => terms.usd),
    joules: sum(priced, ({ terms }) => terms.joules),
  };
}

/** What the same would have cost had nothing been cached, where one engine said it all. */
function uncached(
  { served, tried, sequels = [], outputTokens }: Outcome,
  { promptTokens, cachedTokens }: PromptCount,
): Pick<Forecast, "uncachedUsd"> {
  if (served === undefined || cachedTokens === undefined || sequels.length > 0) return {};
  const known = { promptTokens, outputTokens, cachedTokens: 0 };
  const priced = afterwards(tried.plan.input, served.placement, known);
  return priced ? { uncachedUsd: priced.terms.usd } : {};
}

function deliveredByLost({ sequels = [] }: Outcome): number {
  return sequels.at(-1)?.request.from ?? 0;
}

function forecast(turn: Prepared, placement: Placement | undefined): Forecast {
  if (placement === undefined) return {};
  const { terms, prefill, decode, kvBytes } = placement;
  return {
    ttftMs: terms.ttftMs,
    tpotMs: terms.tpotMs,
    cachedTokens: Math.min(
      turn.ask.promptTokens,
      prefill?.fetchedTokens ?? (prefill ?? decode).heldTokens,
    ),
    kvBytes,
    ...(prefill && { handoffMs: terms.handoffMs }),
    usd: terms.usd,
    joules: terms.joules,
  };
}

/** The placement that came second, and what it would have cost with the tokens that there were. */
function runnerUp({ tried, outputTokens, served }: Outcome, { promptTokens }: PromptCount) {
  const second = tried.plan.placements[1];
  if (second === undefined) return {};
  const { prefill, decode } = second;
  const placement = [prefill?.engine, decode.engine].filter(Boolean).join(" → ");
  const known = served && afterwards(tried.plan.input, second, { promptTokens, outputTokens });
  return { runnerUp: { placement, terms: (known ?? second).terms } };
}

function firstTokenFrom(
  deps: TurnDeps,
  turn: Prepared,
  { prefill, answer }: NonNullable<Outcome["served"]>,
) {
  if (prefill === undefined) return "decode" as const;
  return deps.capabilities(turn.dialectOf(answer.grant.pool)).firstTokenFrom;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
