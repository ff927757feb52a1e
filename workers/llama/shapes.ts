import { randomUUID } from "node:crypto";
import type { Ending, Usage } from "./complete.ts";

/** How OpenAI says a completion of a chat or of a text, whole and in chunks. */
export type Shape = {
  whole(text: string, ending: Ending): object;
  /** What a stream begins with. */
  first(): object | undefined;
  piece(text: string): object;
  /** Says why it ended. */
  last(ending: Ending): object;
  /** Has no choices; with `usage` where it was asked for and `kv_transfer_params` where there are any. */
  tail(ending: Ending, includeUsage: boolean): object | undefined;
};

export function shapeOf(kind: "chat" | "text", model: string): Shape {
  const chat = kind === "chat";
  const id = `${chat ? "chatcmpl" : "cmpl"}-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const object = chat ? "chat.completion" : "text_completion";
  const whole = { id, object, created, model };
  const chunk = { ...whole, object: chat ? "chat.completion.chunk" : object };
  const choice = (said: object, finishReason: string | null): object => ({
    ...chunk,
    choices: [{ index: 0, ...said, logprobs: null, finish_reason: finishReason }],
  });
  const delta = (text: string): object => (chat ? { delta: { content: text } } : { text });
  return {
    whole: (text, { finishReason, usage, kv }) => ({
      ...whole,
      choices: [
        {
          index: 0,
          ...(chat ? { message: { role: "assistant", content: text } } : { text }),
          logprobs: null,
          finish_reason: finishReason,
        },
      ],
      usage: usageOf(usage),
      ...kvMember(kv),
    }),
    first: () => (chat ? choice({ delta: { role: "assistant", content: "" } }, null) : undefined),
    piece: (text) => choice(delta(text), null),
    last: ({ finishReason }) => choice(chat ? { delta: {} } : { text: "" }, finishReason),
    tail: ({ usage, kv }, includeUsage) =>
      includeUsage || kv !== undefined
        ? {
            ...chunk,
            choices: [],
            ...(includeUsage ? { usage: usageOf(usage) } : {}),
            ...kvMember(kv),
          }
        : undefined,
  };
}

function usageOf({ promptTokens, cachedTokens, completionTokens }: Usage): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

function kvMember(kv: Ending["kv"]): object {
  return kv === undefined ? {} : { kv_transfer_params: kv };
}
