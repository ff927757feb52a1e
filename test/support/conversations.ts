import type { Conversation } from "../../src/traces/conversation.ts";
import { words } from "./ask.ts";

/** So many conversations to drive, every third of which begins with a long prompt. */
export async function* conversations(count: number, turns: number): AsyncGenerator<Conversation> {
  for (let n = 0; n < count; n += 1) yield conversationOf(n, n % 3 === 0 ? 4000 : 200, turns);
}

/** A conversation that no other number gives, with so many words in its first message. */
export function conversationOf(n: number, firstWords: number, turns: number): Conversation {
  const first = words(`drive${n}w`, firstWords);
  return {
    id: `drive-${n}`,
    contextTokens: 0,
    turns: Array.from({ length: turns }, (_, turn) => ({
      maxTokens: 40,
      messages: (answers: readonly string[]) =>
        Array.from({ length: turn + 1 }, (_, at) => [
          { role: "user" as const, content: at === 0 ? first : `${words(`more${at}w`, 40)}` },
          ...(at < turn ? [{ role: "assistant" as const, content: answers[at] ?? "" }] : []),
        ]).flat(),
    })),
  };
}
