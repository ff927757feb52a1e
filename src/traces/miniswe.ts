import { z } from "zod";
import { TEMPLATE_TOKENS_PER_MESSAGE } from "./conversation.ts";
import type { ChatMessage, Conversation, TraceSource, Turn } from "./conversation.ts";
import { nextHistory } from "./history.ts";
import type { Segment } from "./history.ts";
import { parseJson } from "./parse.ts";

/**
 * Software-agent sessions with their real text; the message list of each turn is rebuilt from what was added.
 * Rows are held in order of their timestamps: files have them in the order they were logged, which differs.
 */
export async function* readMiniswe(source: TraceSource): AsyncGenerator<Conversation> {
  const sessions = new Map<string, Row[]>();
  for await (const { number, text } of source.lines) {
    const row = parseJson(text, MinisweRow);
    if (!row.ok) source.problem(number, row.message);
    else
      sessions.set(row.value.session_id, [
        ...(sessions.get(row.value.session_id) ?? []),
        row.value,
      ]);
  }
  for (const [id, rows] of sessions) {
    yield conversation(
      id,
      rows.toSorted((a, b) => a.timestamp - b.timestamp),
    );
  }
}

/** One turn, as far as it is read. */
export const MinisweRow = z.object({
  /** Microseconds since the epoch. */
  timestamp: z.number(),
  input: z.string().min(1),
  output: z.string(),
  session_id: z.string().min(1),
});
type Row = z.infer<typeof MinisweRow>;

function conversation(id: string, rows: readonly Row[]): Conversation {
  let history: readonly Segment[] = [];
  let contextTokens = 0;
  const turns: Turn[] = [];
  for (const [index, row] of rows.entries()) {
    const segments = nextHistory(history, index - 1, row.input);
    const maxTokens = Math.max(1, tokens(row.output));
    const answered = segments.reduce(
      (sum, s) => sum + tokens(rows[s.answer ?? -1]?.output ?? ""),
      0,
    );
    const template = (2 * segments.length + 1) * TEMPLATE_TOKENS_PER_MESSAGE;
    contextTokens = Math.max(contextTokens, tokens(row.input) + answered + maxTokens + template);
    turns.push({ messages: (answers) => messages(segments, answers), maxTokens });
    history = segments;
  }
  return { id, turns, contextTokens };
}

function messages(segments: readonly Segment[], answers: readonly string[]): ChatMessage[] {
  return segments.flatMap(({ text, answer }): ChatMessage[] => {
    const user: ChatMessage = { role: "user", content: text };
    return answer === undefined
      ? [user]
      : [user, { role: "assistant", content: answers[answer] ?? "" }];
  });
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}
