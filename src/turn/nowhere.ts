import { placesOf } from "../core/places.ts";
import { eligiblePools } from "../core/plan/filters.ts";
import type { PlanInput } from "../core/plan/plan-input.ts";
import type { EngineView, Plan } from "../core/plan/placement.ts";
import { scopeOf } from "../core/plan/scope.ts";
import type { LegFailure } from "../region/service.ts";
import type { Prepared } from "./prepare.ts";

/** Filters that another moment may let a request pass; every other one refuses it for good. */
const FOR_NOW = ["unhealthy", "avoided"];

/** Engines are tried again after moments, ms. */
const RETRY_MS = 1000;

/** A plan without a placement, and what it was made from. */
type Failed = Plan & { readonly input: PlanInput };

/** Why a plan has no placement at all: the fleet cannot take the request now, or never as it is. */
export function nowhere(turn: Prepared, plan: Failed): LegFailure {
  const { refusals, input } = plan;
  // Every request is refused by the pools of other models.
  const refusedBy = Object.keys(refusals).filter((filter) => filter !== "model");
  const reasons = refusedBy.map((filter) => `${filter} (${refusals[filter]})`).join(", ");
  if (refusedBy.length === 0 || FOR_NOW.some((filter) => refusedBy.includes(filter))) {
    return notNow(refusedBy.includes("unhealthy") ? unwellOf(input) : [], reasons);
  }
  return { kind: "caller", message: explain(turn, input, refusedBy, reasons), refusedBy };
}

/** With the soonest moment at which an engine may be asked; 429 when they are all merely full. */
function notNow(unwell: readonly EngineView[], reasons: string): LegFailure {
  const soonestMs = Math.min(...unwell.map(({ opensInMs = 0 }) => opensInMs));
  const retryAfterMs = Number.isFinite(soonestMs) ? Math.max(RETRY_MS, soonestMs) : RETRY_MS;
  if (unwell.length > 0 && unwell.every(({ rests }) => rests)) {
    const message = "every engine that could take this request is full";
    return { kind: "overloaded", status: 429, message, retryAfterMs };
  }
  const message = `no engine can take this request: ${reasons || "none configured"}`;
  return { kind: "overloaded", message, retryAfterMs };
}

/** The engines that could take the request if they were well. */
function unwellOf(input: PlanInput): EngineView[] {
  const scope = scopeOf(input);
  return (scope ? eligiblePools(scope) : [])
    .flatMap(({ id }) => input.views(id))
    .filter(({ engine, healthy }) => !healthy && !input.avoid.has(engine));
}

function explain(
  { model, ask, labels }: Prepared,
  { fleet }: PlanInput,
  refusedBy: readonly string[],
  reasons: string,
): string {
  if (refusedBy.includes("context-window")) {
    return `This model's maximum context length is ${model.contextWindow} tokens; the prompt has about ${ask.longestTokens ?? ask.promptTokens}.`;
  }
  const isPlace = refusedBy.includes("place");
  const place = isPlace ? ` with place \`${labels.place}\`` : "";
  const places = isPlace ? ` A place is ${placesOf(fleet.regions)}.` : "";
  return `No pool of \`${model.id}\` can ever take this request${place}. It was refused by: ${reasons}.${places}`;
}
