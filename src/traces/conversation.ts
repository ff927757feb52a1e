/** What the readers of traces produce: conversations that can be held with a real endpoint. */
export type Conversation = {
  readonly id: string;
  readonly turns: readonly Turn[];
  /** Tokens of the longest turn, answer and chat template included, as far as the trace tells. */
  readonly contextTokens: number;
};

export type Turn = {
  /** The messages to send, given what was answered to the turns before: `answers[i]` to turn `i`. */
  messages(answers: readonly string[]): ChatMessage[];
  readonly maxTokens: number;
  /** Milliseconds between the answer before and this turn, where the trace says. */
  readonly thinkMs?: number;
};

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

export type TraceFile = {
  readonly path: string;
  open(): AsyncIterable<Uint8Array | string>;
};

export type TraceProblem = {
  readonly path: string;
  readonly line: number;
  readonly message: string;
};

export type SkippedConversation = {
  readonly path: string;
  readonly id: string;
  readonly contextTokens: number;
};

export type TraceOptions = {
  /** Conversations with a longer context, in tokens, are skipped as a whole. */
  readonly maxContext?: number;
  onProblem?(problem: TraceProblem): void;
  onSkip?(skipped: SkippedConversation): void;
};

/** What one reader is given: the lines of one file and a place to say what is wrong with them. */
export type TraceSource = {
  readonly path: string;
  readonly lines: AsyncIterable<Line>;
  problem(line: number, message: string): void;
};

export type Line = { readonly number: number; readonly text: string };

/** Tokens a chat template adds to a message, at most, for the usual templates. */
export const TEMPLATE_TOKENS_PER_MESSAGE = 8;
