import { z } from "zod";

/** Content blocks of a request. What has no counterpart in a chat is refused by name. */

export const refused = z.null({ error: "it is not supported here" }).optional();
const hint = z.looseObject({ type: z.string() }).nullish();

const base64 = z.strictObject({
  type: z.literal("base64"),
  media_type: z.string(),
  data: z.string(),
});

export const textBlock = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  cache_control: hint,
  citations: z.array(z.unknown()).max(0, "citations are not supported here").nullish(),
});

const imageBlock = z.strictObject({
  type: z.literal("image"),
  source: one("type", [base64, z.strictObject({ type: z.literal("url"), url: z.string() })]),
  cache_control: hint,
  transformations: refused,
});

const documentBlock = z.strictObject({
  type: z.literal("document"),
  source: one("type", [
    base64,
    z.strictObject({
      type: z.literal("text"),
      media_type: z.string().optional(),
      data: z.string(),
    }),
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: z
    .strictObject({ enabled: z.literal(false, "citations are not supported here") })
    .nullish(),
  cache_control: hint,
});

const toolResultBlock = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: blocksOf(one("type", [textBlock, imageBlock, documentBlock])).optional(),
  is_error: z.boolean().nullish(),
  cache_control: hint,
  toolset_name: refused,
});

const thinkingBlock = z.strictObject({
  type: z.literal("thinking"),
  thinking: z.string(),
  signature: z.string().nullish(),
  cache_control: hint,
});

const toolUseBlock = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.looseObject({}),
  caller: z
    .strictObject({ type: z.literal("direct", "only `direct` is supported here") })
    .nullish(),
  cache_control: hint,
  toolset_name: refused,
});

export const message = one("role", [
  z.strictObject({
    role: z.literal("user"),
    content: blocksOf(one("type", [textBlock, imageBlock, documentBlock, toolResultBlock])),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: blocksOf(one("type", [textBlock, thinkingBlock, toolUseBlock])),
  }),
  z.strictObject({ role: z.literal("system"), content: blocksOf(textBlock) }),
]);

export type Message = z.infer<typeof message>;
export type UserBlock = Extract<Message, { role: "user" }>["content"][number];
export type AssistantBlock = Extract<Message, { role: "assistant" }>["content"][number];
export type ToolResult = Extract<UserBlock, { type: "tool_result" }>;
export type MediaBlock = Exclude<UserBlock, ToolResult>;
export type TextBlock = z.infer<typeof textBlock>;

/** A list of blocks, or a string that stands for one of text: so mistakes are told with their place. */
export function blocksOf<T extends z.ZodType>(block: T) {
  return z.preprocess(
    (content) => (typeof content === "string" ? [{ type: "text", text: content }] : content),
    z.array(block),
  );
}

type Kinds = readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]];

/** One of several objects that a member tells apart. */
export function one<D extends string, const T extends Kinds>(discriminator: D, kinds: T) {
  return z.discriminatedUnion(discriminator, kinds, {
    error: ({ code }) =>
      code === "invalid_union"
        ? `its \`${discriminator}\` is none that is supported here`
        : undefined,
  });
}
