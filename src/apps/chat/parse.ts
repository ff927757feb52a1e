import { z } from "zod";
import type { ChatRequest } from "../../core/chat-request.ts";
import type { ApiError } from "../errors.ts";
import { parseBody } from "../parse-body.ts";

/** Only what we read; every other member goes to the engine as it came. */
export const chatSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tools: z.array(z.unknown()).nullish(),
  user: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  conversation: z.union([z.string(), z.looseObject({ id: z.string() })]).nullish(),
  cache_salt: z.string().nullish(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
  service_tier: z.string().nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).nullish(),
});

/** Members that engines hand to the chat template. */
const TEMPLATE_KNOBS = [
  "chat_template",
  "chat_template_kwargs",
  "documents",
  "reasoning_effort",
  "add_generation_prompt",
  "continue_final_message",
];

/** A body of `POST /v1/chat/completions`. */
export type ChatBody = z.infer<typeof chatSchema>;

export function parseChat(
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly request: ChatRequest }
  | { readonly ok: false; readonly error: ApiError } {
  const parsed = parseBody(bytes, chatSchema);
  return parsed.ok ? { ok: true, request: chatRequest(parsed.body, bytes) } : parsed;
}

/** What routing reads of a chat body, with the bytes that say it. */
export function chatRequest(body: ChatBody, bytes: Uint8Array): ChatRequest {
  const conversation =
    typeof body.conversation === "string" ? body.conversation : body.conversation?.id;
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const knobs = TEMPLATE_KNOBS.map((name) => [name, body[name] ?? undefined] as const).filter(
    ([, value]) => value !== undefined,
  );
  return {
    path: "/v1/chat/completions",
    bytes,
    model: body.model,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
    messages: body.messages,
    ...(body.tools && { tools: body.tools }),
    ...(body.user && { user: body.user }),
    ...(body.prompt_cache_key && { promptCacheKey: body.prompt_cache_key }),
    ...(conversation && { conversation }),
    ...(body.metadata?.user_id && { metadataUserId: body.metadata.user_id }),
    ...(body.cache_salt && { cacheSalt: body.cache_salt }),
    ...(body.service_tier && { serviceTier: body.service_tier }),
    ...(maxTokens && { maxTokens }),
    ...(knobs.length > 0 && { templateKnobs: Object.fromEntries(knobs) }),
    traits: {
      n: body.n ?? 1,
      hasBestOf: "best_of" in body,
      hasBeamSearch: body["use_beam_search"] === true,
      hasLogprobs: body["logprobs"] === true,
      hasPromptLogprobs: "prompt_logprobs" in body && body["prompt_logprobs"] !== null,
      hasEcho: body["echo"] === true,
      hasListPrompt: false,
    },
  };
}
