import type { z } from "zod";
import type { TraceSource } from "../conversation.ts";
import { type Segment, nextHistory } from "../history.ts";
import { MinisweRow } from "../miniswe.ts";
import { parseJson } from "../parse.ts";
import { textBlockIds } from "./chain-ids.ts";
import type { TraceRequest, TraceSession } from "./request.ts";

/**
 * Software-agent sessions with their real text: blocks are hashed from each turn's messages, the recorded answers
 * between them. The whole gap between two rows counts as think time, as no row tells how long its answer took. A
 * session ends with the file, or when more than `mostChars` characters wait and no other was silent for longer.
 */
export async function* minisweSessions(
  source: TraceSource,
  copy = "",
  mostChars = 64_000_000,
): AsyncGenerator<TraceSession> {
  const sessions = new Map<string, Row[]>();
  let chars = 0;
  for await (const { number, text } of source.lines) {
    const row = parseJson(text, MinisweRow);
    if (!row.ok) {
      source.problem(number, row.message);
      continue;
    }
    const { session_id: id } = row.value;
    const rows = sessions.get(id) ?? [];
    rows.push(row.value);
    sessions.delete(id);
    sessions.set(id, rows);
    chars += charsOf(row.value);
    while (chars > mostChars) {
      const [quietest] = sessions;
      if (!quietest) break;
      sessions.delete(quietest[0]);
      for (const old of quietest[1]) chars -= charsOf(old);
      yield sessionOf(quietest[0], copy, quietest[1]);
    }
  }
  for (const [id, rows] of sessions) yield sessionOf(id, copy, rows);
}

type Row = z.infer<typeof MinisweRow>;

const BLOCK_TOKENS = 16;
const CHARS_PER_TOKEN = 4;

function charsOf({ input, output }: Row): number {
  return input.length + output.length;
}

/** Files have rows in the order they were logged; timestamps tell the turns'. */
function sessionOf(name: string, copy: string, rows: readonly Row[]): TraceSession {
  const id = name + copy;
  const ordered = rows.toSorted((a, b) => a.timestamp - b.timestamp);
  const answers = ordered.map(({ output }) => output);
  let history: readonly Segment[] = [];
  const requests = ordered.map((row, turn): TraceRequest => {
    history = nextHistory(history, turn - 1, row.input);
    const text = render(history, answers);
    return {
      session: id,
      turn,
      offsetMs: (row.timestamp - (ordered[0]?.timestamp ?? 0)) / 1000,
      thinkMs: (row.timestamp - (ordered[turn - 1] ?? row).timestamp) / 1000,
      promptTokens: Math.ceil(text.length / CHARS_PER_TOKEN),
      outputTokens: Math.max(1, Math.ceil(row.output.length / CHARS_PER_TOKEN)),
      blocks: textBlockIds(copy, text, BLOCK_TOKENS * CHARS_PER_TOKEN),
      blockTokens: BLOCK_TOKENS,
    };
  });
  return { id, format: "miniswe", requests };
}

function render(history: readonly Segment[], answers: readonly string[]): string {
  const parts = history.map(({ text, answer }) => {
    const user = `<|user|>\n${text}\n`;
    return answer === undefined ? user : `${user}<|assistant|>\n${answers[answer] ?? ""}\n`;
  });
  return `${parts.join("")}<|assistant|>\n`;
}
