import { z } from "zod";
import type { ChatRequest } from "../../core/chat-request.ts";
import type { ParsedRequest } from "../app-api.ts";
import { parseBody } from "../parse-body.ts";
import { eachPrompt, isPromptList, plainPrompts } from "../prompts.ts";

/** Only what we read; every other member goes to the engine as it came. */
export const completionSchema = z.looseObject({
  model: z.string().min(1),
  prompt: plainPrompts,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  cache_salt: z.string().nullish(),
  service_tier: z.string().nullish(),
  max_tokens: z.int().nonnegative().nullish(),
  n: z.int().min(1).nullish(),
  best_of: z.int().min(1).nullish(),
  echo: z.boolean().nullish(),
  logprobs: z.union([z.int().nonnegative(), z.boolean()]).nullish(),
});

/** What engines and OpenAI say at most where a request does not tell. */
const DEFAULT_MAX_TOKENS = 16;

/** A body of `POST /v1/completions`. */
export function parseCompletion(bytes: Uint8Array): ParsedRequest {
  const parsed = parseBody(bytes, completionSchema);
  return parsed.ok ? { ok: true, request: requestOf(parsed.body, bytes) } : parsed;
}

function requestOf(body: z.infer<typeof completionSchema>, bytes: Uint8Array): ChatRequest {
  const prompts = eachPrompt(body.prompt);
  const written = prompts.length * Math.max(body.n ?? 1, body.best_of ?? 1);
  const specials = body["add_special_tokens"] ?? undefined;
  return {
    path: "/v1/completions",
    bytes,
    model: body.model,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
    messages: [],
    prompts,
    ...(body.user && { user: body.user }),
    ...(body.prompt_cache_key && { promptCacheKey: body.prompt_cache_key }),
    ...(body.cache_salt && { cacheSalt: body.cache_salt }),
    ...(body.service_tier && { serviceTier: body.service_tier }),
    maxTokens: written * (body.max_tokens ?? DEFAULT_MAX_TOKENS),
    ...(specials !== undefined && { templateKnobs: { add_special_tokens: specials } }),
    traits: {
      n: body.n ?? 1,
      hasBestOf: isSome(body.best_of),
      hasBeamSearch: body["use_beam_search"] === true,
      hasLogprobs: isSome(body.logprobs) && body.logprobs !== false,
      hasPromptLogprobs: isSome(body["prompt_logprobs"]),
      hasEcho: body.echo === true,
      hasListPrompt: isPromptList(body.prompt),
    },
  };
}

function isSome(value: unknown): boolean {
  return value !== null && value !== undefined;
}
