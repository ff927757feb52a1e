import { readClaudeCode } from "./claude-code.ts";
import type { Conversation, Line, TraceFile, TraceOptions, TraceSource } from "./conversation.ts";
import { readLines } from "./lines.ts";
import { readMiniswe } from "./miniswe.ts";
import { readMooncake } from "./mooncake.ts";

/** Conversations of trace files, in order, each file's format found from its content or else its path. */
export async function* readTraces(
  files: Iterable<TraceFile>,
  options: TraceOptions = {},
): AsyncGenerator<Conversation> {
  for (const file of files) {
    for await (const conversation of readTrace(file, options)) {
      const { id, contextTokens } = conversation;
      if (contextTokens <= (options.maxContext ?? Infinity)) yield conversation;
      else options.onSkip?.({ path: file.path, id, contextTokens });
    }
  }
}

export type TraceFormat = keyof typeof READERS;

const READERS = { miniswe: readMiniswe, "claude-code": readClaudeCode, mooncake: readMooncake };

/** Lines looked at, at most, before the path alone decides. */
const PEEKED_LINES = 20;

async function* readTrace(file: TraceFile, options: TraceOptions): AsyncGenerator<Conversation> {
  const problem: TraceSource["problem"] = (line, message) =>
    options.onProblem?.({ path: file.path, line, message });
  const rest = readLines(file.open());
  const peeked: Line[] = [];
  let format: TraceFormat | undefined;
  while (!format && peeked.length < PEEKED_LINES) {
    const step = await rest.next();
    if (step.done) break;
    peeked.push(step.value);
    format = formatOfLine(step.value.text);
  }
  format ??= formatOfPath(file.path);
  if (format) yield* READERS[format]({ path: file.path, lines: joined(peeked, rest), problem });
  else problem(1, "not a trace in any known format (miniswe, claude-code, mooncake)");
}

async function* joined(peeked: readonly Line[], rest: AsyncIterable<Line>): AsyncGenerator<Line> {
  yield* peeked;
  yield* rest;
}

function formatOfLine(text: string): TraceFormat | undefined {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof row !== "object" || row === null) return undefined;
  if ("requests" in row) return "claude-code";
  if ("input_length" in row) return "mooncake";
  return "session_id" in row && "input" in row ? "miniswe" : undefined;
}

function formatOfPath(path: string): TraceFormat | undefined {
  if (/miniswe/i.test(path)) return "miniswe";
  if (/mooncake|conversation_trace|toolagent_trace/i.test(path)) return "mooncake";
  return /claude|\.json$/i.test(path) ? "claude-code" : undefined;
}
