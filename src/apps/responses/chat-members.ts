import type { ResponsesBody } from "./schema.ts";

/** Members of a chat request that say what Responses says in other words; undefined takes one out. */
export function chatMembers(body: ResponsesBody): Record<string, unknown> {
  const wantsLogprobs = (body.include ?? []).includes(LOGPROBS) || (body.top_logprobs ?? 0) > 0;
  return {
    ...toolMembers(body),
    stream_options: body.stream === true ? { include_usage: true } : undefined,
    max_tokens: body.max_output_tokens ?? undefined,
    response_format: responseFormat(body.text?.format ?? undefined),
    logprobs: wantsLogprobs ? true : undefined,
    top_logprobs: wantsLogprobs ? (body.top_logprobs ?? undefined) : undefined,
    ...(body.reasoning?.effort && { reasoning_effort: body.reasoning.effort }),
    ...(body.text?.verbosity && { verbosity: body.text.verbosity }),
  };
}

const LOGPROBS = "message.output_text.logprobs";

/** What chat knows nothing of, or under another name. */
export const OWN_MEMBERS: readonly string[] = [
  "background",
  "context_management",
  "conversation",
  "include",
  "input",
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "metadata",
  "previous_response_id",
  "prompt",
  "reasoning",
  "store",
  "text",
  "truncation",
];

/** Engines refuse to be told how to choose among no tools. */
function toolMembers({ tools, tool_choice: choice }: ResponsesBody): Record<string, unknown> {
  if (!tools || tools.length === 0) {
    const isIdle = choice == null || choice === "auto" || choice === "none";
    return {
      tools: undefined,
      parallel_tool_calls: undefined,
      ...(isIdle && { tool_choice: undefined }),
    };
  }
  return {
    tools: tools.map(({ type, ...called }) => ({ type, function: called })),
    ...(typeof choice === "object" &&
      choice !== null && { tool_choice: { type: "function", function: { name: choice.name } } }),
  };
}

function responseFormat(format: { readonly type: string } | undefined): object | undefined {
  if (format === undefined || format.type === "text") return undefined;
  const { type, ...schema } = format;
  return type === "json_schema" ? { type, json_schema: schema } : { type };
}
