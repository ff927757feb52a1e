import type { Problem } from "../../problem.ts";
import { namesIn } from "../names-in.ts";
import { badRequest } from "./errors.ts";

/** Judges the top of a body: the frontend takes no member that it does not know. */
export function bodyProblem(body: Readonly<Record<string, unknown>>): Problem | undefined {
  const strangers = Object.keys(body).filter((name) => !KNOWN.has(name));
  if (strangers.length > 0) {
    const names = strangers.map((name) => `\`${name}\``).join(", ");
    return badRequest(`Unsupported parameter(s): ${names}`);
  }
  const salt = body["cache_salt"];
  return salt === undefined || typeof salt === "string"
    ? undefined
    : badRequest("`cache_salt` must be a string");
}

const KNOWN = namesIn(`
  model messages prompt suffix echo best_of store reasoning_effort metadata frequency_penalty
  presence_penalty logit_bias logprobs top_logprobs max_tokens max_completion_tokens n modalities
  prediction audio response_format seed service_tier stop stream stream_options temperature top_p
  tools tool_choice parallel_tool_calls function_call functions user web_search_options
  ignore_eos min_tokens top_k min_p repetition_penalty include_stop_str_in_output
  skip_special_tokens prompt_logprobs guided_json guided_regex guided_grammar guided_choice
  guided_decoding_backend guided_whitespace_pattern nvext chat_template_args chat_template_kwargs
  media_io_kwargs mm_processor_kwargs return_tokens_as_token_ids thinking
  cache_salt stop_token_ids detokenize allowed_token_ids bad_words_token_ids logprob_token_ids
  prompt_cache_key
`);
