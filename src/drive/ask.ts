import { createParser } from "eventsource-parser";
import type { ChatMessage } from "../traces/conversation.ts";
import type { DriveIo, DriveOptions } from "./options.ts";

/** Sends one streaming chat completion and measures it; whatever goes wrong is told by `error`, never thrown. */
export async function ask(options: DriveOptions, io: DriveIo, question: Question): Promise<Answer> {
  const answer = new Listening(io);
  try {
    const response = await io.fetch(
      `${options.baseUrl}/chat/completions`,
      request(options, question),
    );
    answer.headers = response.headers;
    if (!response.ok) answer.error = await errorCode(response);
    else if (!response.body) answer.error = "empty_body";
    else await answer.listen(response.body);
  } catch (cause) {
    answer.error = networkCode(cause);
  }
  return answer.end();
}

export type Question = {
  readonly session: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
};

export type Answer = {
  readonly text: string;
  /** Absent when the request went well; else the code of what went wrong. */
  readonly error?: string;
  readonly headers: Headers;
  /** Milliseconds from sending to the first content that is not empty. */
  readonly ttftMs?: number;
  readonly latencyMs: number;
  readonly tpotMs?: number;
  readonly itlMs: readonly number[];
  readonly promptTokens?: number;
  /** Absent when the endpoint did not say. */
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
};

function request(options: DriveOptions, question: Question) {
  return {
    method: "POST",
    headers: {
      authorization: `Bearer ${options.apiKey}`,
      "content-type": "application/json",
      ...(options.noSessionKey
        ? {}
        : { "phaseway-session": question.session.replace(/[^\x21-\x7e]/g, "-") }),
    },
    body: JSON.stringify({
      model: options.model,
      messages: question.messages,
      max_tokens: question.maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    }),
  };
}

/** The parts of a chunk, or of an error, that are looked at. */
type Chunk = {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string; readonly reasoning_content?: string };
  }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  } | null;
  readonly error?: { readonly code?: string | number | null; readonly type?: string };
};

class Listening {
  readonly #io: DriveIo;
  readonly #startedAt: number;
  #lastAt: number;
  #firstAt: number | undefined;
  #contentAt = 0;
  #text = "";
  #itlMs: number[] = [];
  #usage: Chunk["usage"];
  #done = false;
  headers = new Headers();
  error: string | undefined;

  constructor(io: DriveIo) {
    this.#io = io;
    this.#startedAt = io.now();
    this.#lastAt = this.#startedAt;
  }

  async listen(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({ onEvent: ({ data }) => this.#hear(data) });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      parser.feed(decoder.decode(step.value, { stream: true }));
    }
    if (!this.#done) this.error ??= "cut_short";
  }

  #hear(data: string): void {
    if (data === "[DONE]") {
      this.#done = true;
      return;
    }
    const now = this.#io.now();
    this.#lastAt = now;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) this.error ??= codeOf(chunk, "in_band");
    if (chunk.usage) this.#usage = chunk.usage;
    const delta = chunk.choices?.[0]?.delta;
    this.#text += delta?.content ?? "";
    if (!delta?.content && !delta?.reasoning_content) return;
    if (this.#firstAt === undefined) this.#firstAt = now;
    else this.#itlMs.push(now - this.#contentAt);
    this.#contentAt = now;
  }

  end(): Answer {
    const latencyMs = this.#lastAt - this.#startedAt;
    const ttftMs = this.#firstAt === undefined ? undefined : this.#firstAt - this.#startedAt;
    const outputTokens = this.#usage?.completion_tokens;
    const tpotMs =
      ttftMs !== undefined && outputTokens !== undefined && outputTokens > 1
        ? (latencyMs - ttftMs) / (outputTokens - 1)
        : undefined;
    return {
      text: this.#text,
      headers: this.headers,
      latencyMs,
      itlMs: this.#itlMs,
      ...defined({
        error: this.error,
        ttftMs,
        tpotMs,
        outputTokens,
        promptTokens: this.#usage?.prompt_tokens,
        cachedTokens: this.#usage?.prompt_tokens_details?.cached_tokens,
      }),
    };
  }
}

async function errorCode(response: Response): Promise<string> {
  const fallback = `http_${response.status}`;
  try {
    return codeOf((await response.json()) as Chunk, fallback);
  } catch {
    return fallback;
  }
}

function codeOf(body: Chunk, fallback: string): string {
  return String(body.error?.code ?? body.error?.type ?? fallback);
}

function networkCode(cause: unknown): string {
  if (!(cause instanceof Error)) return "network";
  if (cause instanceof SyntaxError) return "malformed_chunk";
  const inner = cause.cause;
  return typeof inner === "object" && inner !== null && "code" in inner
    ? String(inner.code)
    : "network";
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
