import type { AnswerFacts } from "../app-api.ts";
import type { OutputItem } from "./output-item.ts";
import type { ResponsesBody } from "./schema.ts";
import type { ResponseUsage } from "./usage.ts";

/** A response object: what was asked, with OpenAI's defaults where nothing was, and how it came out. */
export function responseOf(
  id: string,
  body: ResponsesBody,
  facts: AnswerFacts,
  state: ResponseState,
) {
  return {
    id,
    object: "response",
    created_at: Math.floor(facts.startedAt / 1000),
    status: state.status,
    completed_at: state.status === "completed" ? Math.floor(facts.now() / 1000) : null,
    error: state.error ?? null,
    incomplete_details: state.incomplete === undefined ? null : { reason: state.incomplete },
    output: state.output,
    usage: state.usage,
    ...asked(body),
    store: state.isStored,
  };
}

export type ResponseState = {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly output: readonly OutputItem[];
  readonly usage: ResponseUsage | null;
  readonly isStored: boolean;
  /** Why it is incomplete. */
  readonly incomplete?: "max_output_tokens" | "content_filter" | undefined;
  readonly error?: { readonly code: string; readonly message: string };
};

/** The request's own members, as every response repeats them. */
function asked(body: ResponsesBody) {
  const conversation = conversationOf(body);
  return {
    model: body.model,
    instructions: body.instructions ?? null,
    previous_response_id: body.previous_response_id ?? null,
    conversation: conversation === undefined ? null : { id: conversation },
    tools: body.tools ?? [],
    tool_choice: body.tool_choice ?? "auto",
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    max_tool_calls: body.max_tool_calls ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    text: { ...body.text, format: body.text?.format ?? { type: "text" } },
    // Thoughts are given whole, where an engine gives them: nobody sums them up.
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    temperature: body.temperature ?? 1,
    top_p: body.top_p ?? 1,
    presence_penalty: body.presence_penalty ?? 0,
    frequency_penalty: body.frequency_penalty ?? 0,
    top_logprobs: body.top_logprobs ?? 0,
    truncation: "disabled",
    background: false,
    service_tier: body.service_tier ?? "default",
    metadata: body.metadata ?? {},
    user: body.user ?? null,
    safety_identifier: body.safety_identifier ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
  };
}

/** The id of the conversation that a request goes on with. */
export function conversationOf({ conversation }: ResponsesBody): string | undefined {
  return typeof conversation === "string" ? conversation : conversation?.id;
}

export type ResponseObject = ReturnType<typeof responseOf>;
