import { readClaudeCode } from "./claude-code.ts";
import type { Conversation, TraceFile, TraceOptions, TraceSource } from "./conversation.ts";
import { readLines } from "./lines.ts";
import { readMiniswe } from "./miniswe.ts";
import { readMooncake } from "./mooncake.ts";
import { peekFormat } from "./peek.ts";

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

const READERS = { miniswe: readMiniswe, "claude-code": readClaudeCode, mooncake: readMooncake };

async function* readTrace(file: TraceFile, options: TraceOptions): AsyncGenerator<Conversation> {
  const problem: TraceSource["problem"] = (line, message) =>
    options.onProblem?.({ path: file.path, line, message });
  const { format, lines } = await peekFormat(file.path, readLines(file.open()));
  if (format === "azure") problem(1, "an Azure trace tells no text to hold a conversation with");
  else if (format) yield* READERS[format]({ path: file.path, lines, problem });
  else problem(1, "not a trace in any known format (miniswe, claude-code, mooncake)");
}
