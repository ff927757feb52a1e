import type { SkippedConversation, TraceFile, TraceProblem, TraceSource } from "../conversation.ts";
import type { TraceFormat } from "../format.ts";
import { readLines } from "../lines.ts";
import { peekFormat } from "../peek.ts";
import { azureSessions } from "./azure.ts";
import { claudeCodeSessions } from "./claude-code.ts";
import { minisweSessions } from "./miniswe.ts";
import { mooncakeSessions } from "./mooncake.ts";
import type { TraceSession } from "./request.ts";

/**
 * Sessions of trace files in any of the four formats, without their text. Files whose sessions have times are read
 * side by side, earliest session first; the sessions of the others come as soon as they are read.
 */
export async function* readSessions(
  files: Iterable<TraceFile>,
  options: ReadOptions = {},
): AsyncGenerator<TraceSession> {
  const { copies = 1 } = options;
  const every = [...files];
  const timed: Stream[] = [];
  try {
    for (const [at, file] of Array.from({ length: copies }, () => every)
      .flat()
      .entries()) {
      const sessions = fitting(
        sessionsIn(file, Math.floor(at / every.length), options),
        file,
        options,
      );
      const head = yield* untimed(sessions);
      if (head) timed.push({ sessions, head });
    }
    yield* merged(timed);
  } finally {
    for (const { sessions } of timed) await sessions.return(undefined);
  }
}

/** Passes sessions on up to the first that has a time, and returns that. */
async function* untimed(
  sessions: AsyncGenerator<TraceSession>,
): AsyncGenerator<TraceSession, TraceSession | undefined> {
  let isDone = false;
  try {
    for (;;) {
      const step = await sessions.next();
      isDone = step.done === true || step.value.startMs !== undefined;
      if (step.done) return undefined;
      if (isDone) return step.value;
      yield step.value;
    }
  } finally {
    if (!isDone) await sessions.return(undefined);
  }
}

/** The sessions whose longest request fits the context window; the others are told of. */
async function* fitting(
  sessions: AsyncGenerator<TraceSession>,
  { path }: TraceFile,
  { maxContext = Infinity, onSkip }: ReadOptions,
): AsyncGenerator<TraceSession> {
  for await (const session of sessions) {
    let contextTokens = 0;
    for (const { promptTokens, outputTokens } of session.requests)
      contextTokens = Math.max(contextTokens, promptTokens + outputTokens);
    if (contextTokens <= maxContext) yield session;
    else onSkip?.({ path, id: session.id, contextTokens });
  }
}

export type ReadOptions = {
  /** Sessions with a longer context, in tokens, are skipped as a whole. */
  readonly maxContext?: number;
  onSkip?(skipped: SkippedConversation): void;
  onProblem?(problem: TraceProblem): void;
  /** Coding-agent sessions with equally long tools and system prompts share them; they do not in the trace. */
  readonly sharePreamble?: boolean;
  /** Reads every session so many times; copies share nothing with each other but such preambles. */
  readonly copies?: number;
};

type Stream = { readonly sessions: AsyncGenerator<TraceSession>; head: TraceSession };

async function* merged(streams: Stream[]): AsyncGenerator<TraceSession> {
  const open = new Set(streams);
  while (open.size > 0) {
    let earliest: Stream | undefined;
    for (const stream of open) {
      if (!earliest || startOf(stream) < startOf(earliest)) earliest = stream;
    }
    if (!earliest) return;
    yield earliest.head;
    const next = await earliest.sessions.next();
    if (next.done) open.delete(earliest);
    else earliest.head = next.value;
  }
}

function startOf({ head }: Stream): number {
  return head.startMs ?? 0;
}

async function* sessionsIn(
  file: TraceFile,
  number: number,
  options: ReadOptions,
): AsyncGenerator<TraceSession> {
  const copy = number === 0 ? "" : `#${number}`;
  const problem: TraceSource["problem"] = (line, message) => {
    if (number === 0) options.onProblem?.({ path: file.path, line, message });
  };
  const { format, lines } = await peekFormat(file.path, readLines(file.open()));
  if (format) yield* READERS[format]({ path: file.path, lines, problem }, copy, options);
  else problem(1, `not a trace in any known format (${Object.keys(READERS).join(", ")})`);
}

type Reader = (
  source: TraceSource,
  copy: string,
  options: ReadOptions,
) => AsyncGenerator<TraceSession>;

const READERS: Readonly<Record<TraceFormat, Reader>> = {
  azure: azureSessions,
  "claude-code": (source, copy, { sharePreamble }) =>
    claudeCodeSessions(source, sharePreamble, copy),
  miniswe: (source, copy) => minisweSessions(source, copy),
  mooncake: mooncakeSessions,
};
