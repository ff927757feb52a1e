import { readUsage } from "../../core/chat-frames.ts";

export type MessageUsage = {
  /** Without those read from a cache. */
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  /** Null where nobody knows. */
  readonly cache_read_input_tokens: number | null;
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly thinking_tokens: number } | null;
  readonly server_tool_use: null;
};

/** A chat's usage, or undefined where it is none. Engines charge nothing for writing a cache. */
export function messageUsage(usage: unknown): MessageUsage | undefined {
  const read = readUsage(usage);
  if (read === undefined) return undefined;
  const { promptTokens, cachedTokens, outputTokens } = read;
  const thinking = thinkingTokens(usage);
  return {
    ...estimatedUsage(promptTokens - (cachedTokens ?? 0)),
    cache_read_input_tokens: cachedTokens ?? null,
    output_tokens: outputTokens,
    output_tokens_details: thinking === undefined ? null : { thinking_tokens: thinking },
  };
}

/** The usage of an answer that no engine has counted yet. */
export function estimatedUsage(promptTokens: number, outputTokens = 0): MessageUsage {
  return {
    input_tokens: promptTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: null,
    output_tokens: outputTokens,
    output_tokens_details: null,
    server_tool_use: null,
  };
}

function thinkingTokens(usage: unknown): number | undefined {
  const { completion_tokens_details: details } = usage as { completion_tokens_details?: unknown };
  if (typeof details !== "object" || details === null) return undefined;
  const { reasoning_tokens: count } = details as { reasoning_tokens?: unknown };
  return typeof count === "number" ? count : undefined;
}
