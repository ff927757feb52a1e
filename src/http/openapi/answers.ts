import { z } from "zod";

/** What answers have at least. Engines' own bytes go back as they came, so more may be in them. */

const count = z.int().min(0);
const epochMs = z.number();
const epochS = z.int();

export const chatCompletion = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: epochS,
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: count,
      message: z.looseObject({
        role: z.literal("assistant"),
        content: z.string().nullish(),
        tool_calls: z.array(z.looseObject({ id: z.string(), type: z.string() })).nullish(),
      }),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z
    .looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
    .nullish(),
});

export const textCompletion = z.looseObject({
  id: z.string(),
  object: z.literal("text_completion"),
  created: epochS,
  model: z.string(),
  choices: z.array(
    z.looseObject({ index: count, text: z.string(), finish_reason: z.string().nullish() }),
  ),
  usage: z
    .looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
    .nullish(),
});

export const embeddingList = z.looseObject({
  object: z.literal("list"),
  model: z.string(),
  data: z.array(
    z.looseObject({
      object: z.literal("embedding"),
      index: count,
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.looseObject({ prompt_tokens: count, total_tokens: count }),
});

export const message = z.looseObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: z.string(),
  content: z.array(z.looseObject({ type: z.enum(["text", "thinking", "tool_use"]) })),
  stop_reason: z.string().nullable(),
  stop_sequence: z.string().nullable(),
  usage: z.looseObject({
    input_tokens: count,
    cache_read_input_tokens: count.nullable(),
    output_tokens: count,
  }),
});

export const item = z.looseObject({ type: z.string(), id: z.string() });

export const itemList = z.looseObject({
  object: z.literal("list"),
  data: z.array(item),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

export const response = z.looseObject({
  id: z.string(),
  object: z.literal("response"),
  created_at: epochS,
  status: z.enum(["in_progress", "completed", "incomplete", "failed"]),
  model: z.string(),
  output: z.array(item),
  previous_response_id: z.string().nullable(),
  usage: z
    .looseObject({ input_tokens: count, output_tokens: count, total_tokens: count })
    .nullable(),
  store: z.boolean(),
});

export const conversation = z.looseObject({
  id: z.string(),
  object: z.literal("conversation"),
  created_at: epochS,
  metadata: z.record(z.string(), z.string()),
});

/** What tells that something is gone. */
export function deleted(object: string) {
  return z.looseObject({ id: z.string(), object: z.literal(object), deleted: z.literal(true) });
}

export const inputTokens = z.looseObject({
  object: z.literal("response.input_tokens"),
  input_tokens: count,
});

export const messageTokens = z.looseObject({ input_tokens: count });

export const model = z.looseObject({
  id: z.string(),
  object: z.literal("model"),
  created: epochS,
  owned_by: z.string(),
  aliases: z.array(z.string()),
  context_window: count,
});

export const modelList = z.looseObject({
  object: z.literal("list"),
  data: z.array(model),
  has_more: z.boolean(),
});

const spent = z.looseObject({ spent: z.number(), saved: z.number() });

export const sessionList = z.looseObject({
  object: z.literal("list"),
  data: z.array(
    z.looseObject({
      object: z.literal("session"),
      id: z.string(),
      model: z.string(),
      turns: count,
      lastAt: epochMs,
      expiresAt: epochMs,
      usd: spent,
    }),
  ),
  has_more: z.boolean(),
  next: z.string().nullable(),
});

export const session = z.looseObject({
  object: z.literal("session"),
  id: z.string(),
  model: z.string(),
  expiresAt: epochMs,
  hitRate: z.number().nullable(),
  usd: spent,
  stats: z.looseObject({}),
  branches: z.array(
    z.looseObject({
      branch: count,
      turns: count,
      residency: z.array(
        z.looseObject({ engine: z.string().optional(), tier: z.string(), tokens: z.number() }),
      ),
    }),
  ),
  recentTurns: z.array(
    z.looseObject({
      n: count,
      receipt: z.string(),
      status: z.string(),
      promptTokens: z.number(),
      outputTokens: z.number(),
      at: epochMs,
    }),
  ),
});

export const receipt = z.looseObject({
  object: z.literal("receipt"),
  version: z.literal(1),
  id: z.string(),
  session: z.string(),
  turn: count,
  edge: z.string(),
  model: z.string(),
  labels: z.looseObject({}),
  mode: z.string(),
  status: z.enum(["completed", "failed", "cancelled"]),
  createdAt: epochMs,
  endedAt: epochMs,
  promptTokens: z.number(),
  outputTokens: z.number(),
  segments: z.array(
    z.looseObject({
      phase: z.enum(["prefill", "decode"]),
      from: z.number(),
      to: z.number(),
      engine: z.string(),
      reason: z.string(),
      known: z.enum(["reported", "derived", "assumed"]),
    }),
  ),
  work: z.array(z.looseObject({ engine: z.string(), leg: z.string(), outcome: z.string() })),
  waste: z.looseObject({}),
  candidates: z.array(z.looseObject({ mode: z.string(), terms: z.looseObject({}) })),
  refusals: z.record(z.string(), z.number()),
  predicted: z.looseObject({}),
  actual: z.looseObject({}),
});

export const health = z.looseObject({ ok: z.literal(true), edge: z.string(), mesh: z.string() });

export const openapi = z.looseObject({ openapi: z.literal("3.1.0") });
