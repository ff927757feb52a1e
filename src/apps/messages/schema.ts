import { z } from "zod";
import { blocksOf, message, one, refused, textBlock } from "./blocks.ts";

/** Members that Messages has in common with nobody, and engines understand: they go on as they came. */
export const ENGINE_MEMBERS = [
  "chat_template",
  "chat_template_kwargs",
  "frequency_penalty",
  "guided_json",
  "guided_regex",
  "ignore_eos",
  "logit_bias",
  "min_p",
  "min_tokens",
  "mm_processor_kwargs",
  "presence_penalty",
  "priority",
  "prompt_cache_key",
  "reasoning_effort",
  "repetition_penalty",
  "response_format",
  "seed",
  "stop_token_ids",
  "structured_outputs",
  "thinking_token_budget",
  "vllm_xargs",
] as const;

const engineMembers = Object.fromEntries(
  ENGINE_MEMBERS.map((name) => [name, z.unknown().optional()]),
) as Record<(typeof ENGINE_MEMBERS)[number], z.ZodOptional<z.ZodUnknown>>;

const hint = z.looseObject({ type: z.string() }).nullish();

const tool = z.strictObject({
  type: z.literal("custom", "only tools that the client runs are supported here").nullish(),
  name: z.string().min(1),
  description: z.string().nullish(),
  input_schema: z.looseObject({}),
  strict: z.boolean().nullish(),
  cache_control: hint,
  // Engines stream every input as eagerly as they can.
  eager_input_streaming: z.boolean().nullish(),
  defer_loading: z.literal(false, "it is not supported here").nullish(),
  allowed_callers: z.array(z.literal("direct", "only `direct` is supported here")).nullish(),
  input_examples: refused,
});

const parallel = { disable_parallel_tool_use: z.boolean().nullish() };
const toolChoice = one("type", [
  z.strictObject({ type: z.literal("auto"), ...parallel }),
  z.strictObject({ type: z.literal("any"), ...parallel }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
  z.strictObject({ type: z.literal("none") }),
]);

const display = z.enum(["summarized", "omitted"]).nullish();
const thinking = one("type", [
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int().min(1), display }),
  z.strictObject({ type: z.literal("adaptive"), display }),
  z.strictObject({ type: z.literal("disabled") }),
]);

const jsonFormat = z.strictObject({ type: z.literal("json_schema"), schema: z.looseObject({}) });
const outputConfig = z.strictObject({
  effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
  format: jsonFormat.nullish(),
});

/** Which earlier thinking a model sees is up to its engine's chat template; nothing else of a context is edited here. */
const contextEdit = z.looseObject({
  type: z.string().startsWith("clear_thinking", "it is not supported here"),
});

/** What is counted and what is answered have this in common. */
const prompt = {
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: blocksOf(textBlock).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: thinking.nullish(),
  output_config: outputConfig.nullish(),
  cache_control: hint,
  context_management: z.strictObject({ edits: z.array(contextEdit).nullish() }).nullish(),
  mcp_servers: z.array(z.unknown()).max(0, "they are not supported here").nullish(),
  speed: z.literal("standard", "only `standard` is supported here").nullish(),
  user_profile_id: refused,
  workspace_id: refused,
};

/** A body of `POST /v1/messages`. */
export const messagesSchema = z.strictObject({
  ...prompt,
  ...engineMembers,
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  top_k: z.int().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).nullish(),
  service_tier: z.enum(["auto", "standard_only"]).nullish(),
  cache_salt: z.string().nullish(),
  container: refused,
  diagnostics: refused,
  inference_geo: refused,
  thread: z.unknown().optional(),
});

/** A body of `POST /v1/messages/count_tokens`. */
export const countSchema = z.strictObject(prompt);

export type MessagesBody = z.infer<typeof messagesSchema>;
export type PromptBody = z.infer<typeof countSchema>;
export type Tool = z.infer<typeof tool>;
export type ToolChoice = z.infer<typeof toolChoice>;
