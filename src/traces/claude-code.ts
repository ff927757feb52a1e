import { z } from "zod";
import { TEMPLATE_TOKENS_PER_MESSAGE } from "./conversation.ts";
import type { ChatMessage, Conversation, Line, TraceSource, Turn } from "./conversation.ts";
import { hashText } from "./hash-text.ts";
import type { HashedPrompt } from "./hash-text.ts";
import { parseJson } from "./parse.ts";
import { planPieces } from "./pieces.ts";
import type { Piece } from "./pieces.ts";

/** Coding-agent sessions known by session-local block hashes: one JSON document per file, or one per line. */
export async function* readClaudeCode(source: TraceSource): AsyncGenerator<Conversation> {
  const lines: Line[] = [];
  for await (const line of source.lines) lines.push(line);
  const whole =
    lines.length > 1
      ? parseJson(lines.map((line) => line.text).join("\n"), ClaudeCodeSchema)
      : undefined;
  if (whole?.ok) {
    yield* conversations(whole.value);
    return;
  }
  if (whole && lines[0]?.text.trim() === "{") {
    source.problem(lines[0].number, whole.message);
    return;
  }
  for (const { number, text } of lines) {
    const session = parseJson(text, ClaudeCodeSchema);
    if (session.ok) yield* conversations(session.value);
    else source.problem(number, session.message);
  }
}

const count = z.number().nonnegative();
const Request = z.object({
  in: count.int().min(1),
  out: count.int(),
  hash_ids: z.array(z.union([z.number(), z.string()])),
  /** Seconds after the session began. */
  t: z.number().nullish(),
  think_time: count.nullish(),
});
export type ClaudeCodeRequest = z.infer<typeof Request>;
type Request = ClaudeCodeRequest;
const SubAgent = z.object({ requests: z.array(Request) });
/** One session's document, as far as it is read. */
export const ClaudeCodeSchema = z.object({
  id: z.string().min(1),
  block_size: count.int().min(1),
  tool_tokens: count.int().default(0),
  system_tokens: count.int().default(0),
  requests: z.array(z.union([Request, SubAgent])),
});
export type ClaudeCodeSession = z.infer<typeof ClaudeCodeSchema>;

/** The session itself, then its sub-agents where the trace nests them: each holds a conversation of its own. */
function* conversations(session: ClaudeCodeSession): Generator<Conversation> {
  const own = session.requests.filter((r): r is Request => !("requests" in r));
  if (own.length > 0)
    yield conversation(session, session.id, own, session.tool_tokens + session.system_tokens);
  const agents = session.requests.filter((r) => "requests" in r);
  for (const [index, agent] of agents.entries()) {
    if (agent.requests.length > 0)
      yield conversation(session, `${session.id}-agent-${index}`, agent.requests, 0);
  }
}

function conversation(
  session: ClaudeCodeSession,
  id: string,
  requests: readonly Request[],
  systemTokens: number,
): Conversation {
  const prompts = requests.map((r, turn): HashedPrompt => ({
    scope: session.id,
    ids: r.hash_ids,
    blockSize: session.block_size,
    tail: `${id}#${turn}`,
  }));
  const pieces = planPieces(
    requests.map((r) => ({ ids: r.hash_ids, inTokens: r.in, outTokens: Math.max(1, r.out) })),
    session.block_size,
    systemTokens,
  );
  const turns = requests.map((r, index): Turn => {
    const mine = pieces[index] ?? [];
    return {
      messages: (answers) => messages(mine, prompts, answers),
      maxTokens: Math.max(1, r.out),
      ...(r.think_time ? { thinkMs: r.think_time * 1000 } : {}),
    };
  });
  const context = requests.map((r, index) => {
    const mine = pieces[index] ?? [];
    return (mine.at(-1)?.to ?? r.in) + r.out + (2 * mine.length + 1) * TEMPLATE_TOKENS_PER_MESSAGE;
  });
  return { id, turns, contextTokens: Math.max(...context) };
}

function messages(
  pieces: readonly Piece[],
  prompts: readonly HashedPrompt[],
  answers: readonly string[],
): ChatMessage[] {
  return pieces.flatMap(({ role, turn, from, to, answer }): ChatMessage[] => {
    const asked: ChatMessage = { role, content: hashText(prompts[turn] as HashedPrompt, from, to) };
    return answer === undefined
      ? [asked]
      : [asked, { role: "assistant", content: answers[answer] ?? "" }];
  });
}
