import type { Plan } from "../core/plan/placement.ts";
import type { LegFailure } from "../region/service.ts";
import type { Prepared } from "./prepare.ts";

/** Filters that another moment may let a request pass; every other one refuses it for good. */
const FOR_NOW = ["unhealthy", "avoided"];

/** Engines are tried again after moments, ms. */
const RETRY_MS = 1000;

/** Why a plan has no placement at all: the fleet cannot take the request now, or never as it is. */
export function nowhere(turn: Prepared, { refusals }: Plan): LegFailure {
  // Every request is refused by the pools of other models.
  const refusedBy = Object.keys(refusals).filter((filter) => filter !== "model");
  const reasons = refusedBy.map((filter) => `${filter} (${refusals[filter]})`).join(", ");
  if (refusedBy.length === 0 || FOR_NOW.some((filter) => refusedBy.includes(filter))) {
    const message = `no engine can take this request: ${reasons || "none configured"}`;
    return { kind: "overloaded", message, retryAfterMs: RETRY_MS };
  }
  return { kind: "caller", message: explain(turn, refusedBy, reasons), refusedBy };
}

function explain({ model, ask, labels }: Prepared, refusedBy: readonly string[], reasons: string) {
  if (refusedBy.includes("context-window")) {
    return `This model's maximum context length is ${model.contextWindow} tokens; the prompt has about ${ask.promptTokens}.`;
  }
  const place = refusedBy.includes("place") ? ` with place \`${labels.place}\`` : "";
  return `No pool of \`${model.id}\` can ever take this request${place}. It was refused by: ${reasons}.`;
}
