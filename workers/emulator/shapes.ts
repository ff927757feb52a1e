import type { ToolCall } from "../../src/sim/text.ts";
import type { Api } from "./ask.ts";
import type { Members } from "./dialects/dialect.ts";
import type { Run } from "./run.ts";

/** The members every answer and chunk of one request share. */
export type Answering = {
  readonly api: Api;
  readonly id: string;
  readonly model: string;
  readonly created: number;
};

export type EngineUsage = {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
};

/** The usage of a request that claims so many cached tokens, told when there are any. */
export function usageOf(run: Run, cachedTokens: number): EngineUsage {
  const { promptTokens } = run.ask;
  const { outputTokens } = run.counts;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    ...(cachedTokens > 0 && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  };
}

/** What one choice said. */
export type Said = {
  readonly text: string;
  readonly finish: string;
  readonly toolCall?: ToolCall | undefined;
};

/** One SSE frame. */
export function frame(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export const DONE_FRAME = "data: [DONE]\n\n";

/** The chunk that opens a choice; text completions have none. */
export function roleChunk(answering: Answering, index: number): string {
  if (answering.api === "text") return "";
  const delta = { role: "assistant", content: "" };
  return frame(chunk(answering, [{ index, delta, logprobs: null, finish_reason: null }]));
}

/** The chunk of one token. */
export function tokenChunk(
  answering: Answering,
  index: number,
  token: {
    readonly index: number;
    readonly text: string;
    readonly toolCall?: ToolCall | undefined;
  },
): string {
  if (answering.api === "text") {
    const choice = { index, text: token.text, logprobs: null, finish_reason: null };
    return frame(chunk(answering, [choice]));
  }
  const delta = token.toolCall
    ? { tool_calls: [toolDelta(token.toolCall, token)] }
    : { content: token.text };
  return frame(chunk(answering, [{ index, delta, logprobs: null, finish_reason: null }]));
}

/** The chunk that closes a choice. */
export function finishChunk(
  answering: Answering,
  index: number,
  finish: string,
  members: Members["lastChunk"],
): string {
  const said = answering.api === "text" ? { text: "" } : { delta: {} };
  const choice = { index, ...said, logprobs: null, finish_reason: finish };
  return `data: ${withRaw(chunk(answering, [choice]), members)}\n\n`;
}

export function usageChunk(
  answering: Answering,
  usage: EngineUsage,
  members: Members["usageChunk"],
): string {
  return `data: ${withRaw({ ...chunk(answering, []), usage }, members)}\n\n`;
}

/** A whole answer as JSON text. */
export function wholeAnswer(
  answering: Answering,
  choices: readonly Said[],
  usage: EngineUsage,
  members: Members,
): string {
  const texts = choices.map((said, index) => {
    const choice = wholeChoice(answering.api, said, index);
    return withRaw(choice, index === 0 ? members.choice : undefined);
  });
  const head = {
    id: answering.id,
    object: answering.api === "chat" ? "chat.completion" : "text_completion",
    created: answering.created,
    model: answering.model,
  };
  const raw = { choices: `[${texts.join(",")}]`, usage: JSON.stringify(usage), ...members.answer };
  return withRaw(head, raw);
}

/** An object that has members as JSON, with more whose values are raw JSON. */
function withRaw(object: object, raw: Readonly<Record<string, string>> = {}): string {
  const added = Object.entries(raw).map(([name, value]) => `,${JSON.stringify(name)}:${value}`);
  return `${JSON.stringify(object).slice(0, -1)}${added.join("")}}`;
}

function wholeChoice(api: Api, said: Said, index: number): Record<string, unknown> {
  const end = { logprobs: null, finish_reason: said.finish };
  if (api === "text") return { index, text: said.text, ...end };
  if (!said.toolCall) {
    return { index, message: { role: "assistant", content: said.text, refusal: null }, ...end };
  }
  const { id, name, arguments: args } = said.toolCall;
  const call = { id, type: "function", function: { name, arguments: args } };
  return { index, message: { role: "assistant", content: null, tool_calls: [call] }, ...end };
}

function chunk(answering: Answering, choices: readonly unknown[]): Record<string, unknown> {
  return {
    id: answering.id,
    object: answering.api === "chat" ? "chat.completion.chunk" : "text_completion",
    created: answering.created,
    model: answering.model,
    choices,
  };
}

function toolDelta(
  call: ToolCall,
  token: { readonly index: number; readonly text: string },
): unknown {
  if (token.index > 0) return { index: 0, function: { arguments: token.text } };
  const { id, name } = call;
  return { index: 0, id, type: "function", function: { name, arguments: token.text } };
}
