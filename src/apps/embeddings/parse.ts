import { z } from "zod";
import type { ParsedRequest } from "../app-api.ts";
import { parseBody } from "../parse-body.ts";
import { eachPrompt, isPromptList, plainPrompts } from "../prompts.ts";

/** Only what we read; every other member, as `dimensions` and `encoding_format`, goes to the engine as it came. */
export const embeddingSchema = z.looseObject({
  model: z.string().min(1),
  input: plainPrompts,
  user: z.string().nullish(),
  cache_salt: z.string().nullish(),
  service_tier: z.string().nullish(),
  stream: z.literal(false, { error: "embeddings are not streamed" }).nullish(),
});

/** A body of `POST /v1/embeddings`. */
export function parseEmbedding(bytes: Uint8Array): ParsedRequest {
  const parsed = parseBody(bytes, embeddingSchema);
  if (!parsed.ok) return parsed;
  const { body } = parsed;
  return {
    ok: true,
    request: {
      path: "/v1/embeddings",
      bytes,
      model: body.model,
      stream: false,
      includeUsage: false,
      messages: [],
      prompts: eachPrompt(body.input),
      embeds: true,
      ...(body.user && { user: body.user }),
      ...(body.cache_salt && { cacheSalt: body.cache_salt }),
      ...(body.service_tier && { serviceTier: body.service_tier }),
      traits: { ...PLAIN, hasListPrompt: isPromptList(body.input) },
    },
  };
}

const PLAIN = {
  n: 1,
  hasBestOf: false,
  hasBeamSearch: false,
  hasLogprobs: false,
  hasPromptLogprobs: false,
  hasEcho: false,
};
