import { z } from "zod";

/** Texts of a message or of what a function gave; of other parts, what only OpenAI's own storage could resolve is refused. */
const part = z
  .looseObject({ type: z.string() })
  .superRefine((value, { addIssue }) => {
    const member = REQUIRED[value.type];
    if (member === undefined || typeof value[member] === "string") return;
    addIssue({ code: "custom", path: [member], message: whyNot(value) });
  })
  .transform((value) => value as Part);

/** What each kind of part cannot do without. */
const REQUIRED: Readonly<Record<string, string>> = {
  input_text: "text",
  output_text: "text",
  summary_text: "text",
  reasoning_text: "text",
  refusal: "refusal",
  input_image: "image_url",
  input_file: "file_data",
};

function whyNot(value: Record<string, unknown>): string {
  const other = ["file_id", "file_url"].find((name) => typeof value[name] === "string");
  return other === undefined
    ? "it must be a string"
    : `\`${other}\` is not served here, as this mesh keeps no files; send the bytes as a data URL`;
}

/** A string is one text. */
const parts = z.preprocess(
  (content) => (typeof content === "string" ? [{ type: "input_text", text: content }] : content),
  z.array(part),
);

const item = z.preprocess(
  withType,
  z.discriminatedUnion(
    "type",
    [
      z.looseObject({
        type: z.literal("message"),
        role: z.enum(["user", "assistant", "system", "developer"]),
        content: parts,
      }),
      z.looseObject({
        type: z.literal("function_call"),
        call_id: z.string(),
        name: z.string(),
        arguments: z.string(),
      }),
      z.looseObject({
        type: z.literal("function_call_output"),
        call_id: z.string(),
        output: parts,
      }),
      z.looseObject({
        type: z.literal("reasoning"),
        summary: parts.nullish(),
        content: parts.nullish(),
        encrypted_content: z.string().nullish(),
      }),
      z.looseObject({ type: z.literal("item_reference"), id: z.string() }),
    ],
    { error: ({ input }) => `${typeOf(input)} is no kind of item that this mesh serves` },
  ),
);

/** The items of a request's `input`; a string is one user's message. */
export const items = z.preprocess(
  (input) => (typeof input === "string" ? [{ role: "user", content: input }] : input),
  z.array(item),
);

/** Messages may leave their type out. */
function withType(value: unknown): unknown {
  return isRecord(value) && value["type"] == null && "role" in value
    ? { ...value, type: "message" }
    : value;
}

function typeOf(input: unknown): string {
  return isRecord(input) && typeof input["type"] === "string" ? `\`${input["type"]}\`` : "this";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One part of a content, with the member that its type asks for. */
export type Part = {
  readonly type: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly image_url?: string;
  readonly detail?: unknown;
  readonly file_data?: string;
  readonly filename?: unknown;
};

export type Item = z.infer<typeof item>;
