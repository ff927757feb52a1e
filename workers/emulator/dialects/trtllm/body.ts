import type { Api } from "../../ask.ts";
import type { Problem } from "../../problem.ts";
import { namesIn } from "../names-in.ts";
import { engineError, invalid, unknownMember } from "./errors.ts";

/** Judges all of a body but its `disaggregated_params`: the server takes no member that it does not know. */
export function bodyProblem(
  api: Api,
  body: Readonly<Record<string, unknown>>,
): Problem | undefined {
  const known = api === "chat" ? CHAT : TEXT;
  const stranger = Object.keys(body).find((name) => !COMMON.has(name) && !known.has(name));
  if (stranger !== undefined) return unknownMember([stranger]);
  if (typeof body["model"] !== "string") return invalid("missing", ["model"], "Field required");
  if (isSet(body["stream_options"]) && body["stream"] !== true) {
    return engineError("Value error, stream_options can only be set if stream is true");
  }
  return undefined;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

const COMMON: ReadonlySet<string> = namesIn(`
  model stream stream_options n best_of seed stop user echo max_tokens min_tokens temperature
  top_p top_k top_p_min min_p frequency_penalty presence_penalty repetition_penalty length_penalty
  logit_bias logprobs use_beam_search early_stopping stop_token_ids include_stop_str_in_output
  ignore_eos skip_special_tokens add_special_tokens spaces_between_special_tokens
  truncate_prompt_tokens prompt_ignore_length thinking_token_budget response_format lora_request
  priority disaggregated_params conversation_params
`);

const CHAT: ReadonlySet<string> = namesIn(`
  messages prompt_token_ids prompt_token_ids_b64 max_completion_tokens top_logprobs tools
  tool_choice parallel_tool_calls reasoning_effort thinking add_generation_prompt documents
  chat_template chat_template_kwargs injected_chat_template_kwargs media_io_kwargs
  mm_processor_kwargs cache_salt agent_hierarchy
`);

const TEXT: ReadonlySet<string> = namesIn(`
  prompt suffix detokenize return_context_logits
`);
