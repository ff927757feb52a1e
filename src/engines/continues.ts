import type { BrokenOff } from "../core/request-traits.ts";

/** Only one plain answer is known to go on from its text alone: nothing else than that text binds what follows. */
export function continuesPlainText({ path, traits, raw }: BrokenOff): boolean {
  const isOne =
    path === "/v1/chat/completions" &&
    traits.n === 1 &&
    !traits.hasBestOf &&
    !traits.hasBeamSearch &&
    !traits.hasLogprobs &&
    !traits.hasPromptLogprobs &&
    !traits.hasEcho &&
    !traits.hasListPrompt;
  return (
    isOne &&
    BINDING.every((name) => isUnset(raw(name))) &&
    isPlainFormat(raw("response_format")) &&
    isFreeChoice(raw("tool_choice")) &&
    raw("include_reasoning") !== "false"
  );
}

/**
 * Members that bind an answer to more than its text: grammars, reasoning, other media, answers that the caller began, and
 * ends that could lie across the break.
 */
const BINDING = [
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "structured_outputs",
  "structural_tag",
  "grammar",
  "json_schema",
  "regex",
  "ebnf",
  "reasoning",
  "reasoning_effort",
  "thinking",
  "modalities",
  "audio",
  "prediction",
  "functions",
  "function_call",
  "continue_final_message",
  "add_generation_prompt",
  "stop",
];

function isUnset(raw: string | undefined): boolean {
  return raw === undefined || raw === "null";
}

function isPlainFormat(raw: string | undefined): boolean {
  return isUnset(raw) || /^\{\s*"type"\s*:\s*"text"\s*\}$/.test(raw ?? "");
}

function isFreeChoice(raw: string | undefined): boolean {
  return isUnset(raw) || raw === '"auto"' || raw === '"none"';
}

/** For engines that cannot go on with what another said. */
export function continuesNothing(): boolean {
  return false;
}
