import { saltOf } from "./both-phases.ts";
import type { LegContext } from "./dialect.ts";

/** Members of a leg that computes the prompt and says one token, which nobody reads. */
export function onlyPrefill(leg: LegContext): Record<string, string> {
  return {
    model: JSON.stringify(leg.model),
    stream: "false",
    max_tokens: "1",
    ...(leg.present.has("max_completion_tokens") && { max_completion_tokens: "1" }),
    ...saltOf(leg),
  };
}

/** Members that would contradict `max_tokens: 1` or `stream: false`. */
export const NOT_FOR_PREFILL = ["stream_options", "min_tokens", "min_completion_tokens"];
