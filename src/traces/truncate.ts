import type { Conversation, Turn } from "./conversation.ts";

/**
 * A conversation that fits a context of so many bytes: messages are cut, answers kept short, and turns beyond it
 * left out. No tokenizer makes more tokens of a text than it has bytes.
 */
export function truncated({ id, turns }: Conversation, mostBytes: number): Conversation {
  const kept: Turn[] = [];
  const answers: string[] = [];
  let contextTokens = 0;
  for (const turn of turns) {
    const maxTokens = Math.min(turn.maxTokens, Math.max(1, Math.floor(mostBytes * ANSWER_SHARE)));
    const short: Turn = {
      ...turn,
      maxTokens,
      messages: (said) =>
        turn
          .messages(said)
          .map((one) => (one.role === "assistant" ? one : { ...one, content: cut(one.content) })),
    };
    answers.push("x".repeat(maxTokens * BYTES_PER_TOKEN));
    const messages = short.messages(answers);
    const read = messages.reduce((sum, { content }) => sum + bytes(content) + TEMPLATE_BYTES, 0);
    const needed = read + maxTokens;
    if (needed > mostBytes) break;
    contextTokens = needed;
    kept.push(short);
  }
  return { id, turns: kept, contextTokens };

  function cut(content: string): string {
    return content.slice(0, Math.floor(mostBytes * MESSAGE_SHARE));
  }
}

/** Of the context, for one message and one answer. */
const MESSAGE_SHARE = 1 / 8;
const ANSWER_SHARE = 1 / 128;
/** A byte that is no text is told as U+FFFD, and read as its three bytes. */
const BYTES_PER_TOKEN = 3;
/** What a chat template writes around a message. */
const TEMPLATE_BYTES = 32;

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
