import type { AnswerRenderer } from "../../../../src/apps/app-api.ts";
import { parseMessages } from "../../../../src/apps/messages/parse.ts";

const BASE = { model: "small", max_tokens: 64, messages: [{ role: "user", content: "Hi" }] };

/** A body with these members besides the least it must have; a string stands for itself. */
export function parsed(members: object | string = {}) {
  const text = typeof members === "string" ? members : JSON.stringify({ ...BASE, ...members });
  return parseMessages(new TextEncoder().encode(text));
}

/** The chat body that engines would get for it. */
export function chatOf(members: object | string = {}): Record<string, unknown> {
  return JSON.parse(chatTextOf(members)) as Record<string, unknown>;
}

export function chatTextOf(members: object | string = {}): string {
  const result = parsed(members);
  if (!result.ok) throw new Error(result.error.message);
  return new TextDecoder().decode(result.request.bytes);
}

/** Its chat messages, for a conversation of these. */
export function messagesOf(messages: readonly object[], more: object = {}): unknown {
  return chatOf({ messages, ...more })["messages"];
}

export function rendererOf(members: object = {}): AnswerRenderer {
  const result = parsed(members);
  if (!result.ok || !result.answer) throw new Error("no renderer");
  return result.answer({ requestId: "req_1", promptTokens: 9, startedAt: 0, now: () => 0 });
}

/** One chunk of a chat stream. */
export function chunk(delta: object, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null, ...more }];
  return JSON.stringify({ id: "chatcmpl-1", model: "llama", choices, usage: null });
}

export function usageChunk(usage: object): string {
  return JSON.stringify({ id: "chatcmpl-1", model: "llama", choices: [], usage });
}

export const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 5,
  prompt_tokens_details: { cached_tokens: 16 },
};

/** Everything that a renderer says to these chunks, and to their end. */
export function streamed(chunks: readonly string[], members: object = {}): string {
  const renderer = rendererOf(members);
  return chunks.map((data) => renderer.frame(data)).join("") + renderer.end();
}
