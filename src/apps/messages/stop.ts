import type { Choice } from "../completion.ts";

/** Why an answer ended. */
export type Stop = {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
};

/**
 * The end of a choice; engines that do not tell which stop sequence was met are taken to have ended by themselves. Throws a
 * SyntaxError for a choice that its engine gave up.
 */
export function stopOf(
  { finish_reason: finish, stop_reason: met, matched_stop: matched }: Choice,
  stopSequences: readonly string[],
  hasCalled: boolean,
): Stop {
  if (GIVEN_UP.has(finish ?? "")) throw new SyntaxError(`the engine ended with ${finish}`);
  const sequence = [met, matched].find((one) => stopSequences.includes(String(one)));
  if (finish === "stop" && typeof sequence === "string") {
    return { stop_reason: "stop_sequence", stop_sequence: sequence };
  }
  // A tool that had to be called ends with `stop` on most engines.
  const isCall = hasCalled && (finish === "stop" || finish == null);
  const reason = isCall ? "tool_use" : (REASONS[finish ?? "stop"] ?? "end_turn");
  return { stop_reason: reason, stop_sequence: null };
}

const GIVEN_UP: ReadonlySet<string> = new Set(["abort", "error"]);

const REASONS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};
