/** One item of a response's output, as it is told and stored. */
export type OutputItem = TextItem | FunctionCall;

export type ItemStatus = "in_progress" | "completed" | "incomplete";

export type TextItem = {
  readonly id: string;
  readonly type: "message" | "reasoning";
  status: ItemStatus;
  readonly role?: "assistant";
  readonly summary?: readonly [];
  readonly content: TextPart[];
};

export type FunctionCall = {
  readonly id: string;
  readonly type: "function_call";
  status: ItemStatus;
  arguments: string;
  readonly call_id: string;
  readonly name: string;
};

export type TextPart = {
  readonly type: string;
  text?: string;
  refusal?: string;
  readonly annotations?: readonly [];
  logprobs?: readonly object[];
};

/** Kinds of text: the item each is in, the part it is there, and its events. */
export const TEXTS = {
  text: { type: "message", part: "output_text", member: "text", event: "response.output_text" },
  refusal: { type: "message", part: "refusal", member: "refusal", event: "response.refusal" },
  reasoning: {
    type: "reasoning",
    part: "reasoning_text",
    member: "text",
    event: "response.reasoning_text",
  },
} as const;

export type TextKind = keyof typeof TEXTS;

export function emptyPart(kind: TextKind): TextPart {
  const { part: type, member } = TEXTS[kind];
  return { type, [member]: "", ...(kind === "text" && { annotations: [], logprobs: [] }) };
}
