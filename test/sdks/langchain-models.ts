import { ChatAnthropic } from "@langchain/anthropic";
import type { AIMessageChunk } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { ChatOpenAI } from "@langchain/openai";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { watchedFetch } from "../support/watched-fetch.ts";

/** The classes of LangChain.js that speak to a mesh; OpenAI's speaks two of its APIs. */
export const CHATS = ["ChatOpenAI", "ChatOpenAI on responses", "ChatAnthropic"] as const;

export type ChatName = (typeof CHATS)[number];

export type ChatSettings = {
  readonly model: string;
  readonly maxTokens?: number;
  /** LangChain's own; the SDKs under it never retry. */
  readonly maxRetries?: number;
  readonly fetch?: typeof fetch;
};

/** A model of the mesh as LangChain has it: only base URL and key are ours. Streams break whose events are out of order. */
export function langchainAt(
  chat: ChatName,
  { edges, key }: Pick<LocalMesh, "edges" | "key">,
  { fetch: ask = watchedFetch, ...settings }: ChatSettings,
): ChatOpenAI | ChatAnthropic {
  const url = edges[0]?.url ?? "";
  const own = { apiKey: key, maxTokens: 100, maxRetries: 0, ...settings };
  if (chat === "ChatAnthropic") {
    return new ChatAnthropic({ ...own, anthropicApiUrl: url, clientOptions: { fetch: ask } });
  }
  const useResponsesApi = chat === "ChatOpenAI on responses";
  return new ChatOpenAI({
    ...own,
    useResponsesApi,
    configuration: { baseURL: `${url}/v1`, fetch: ask },
  });
}

/** A stream's chunks as one message. */
export async function gathered(chunks: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let message: AIMessageChunk | undefined;
  for await (const chunk of chunks)
    message = message === undefined ? chunk : concat(message, chunk);
  if (message === undefined) throw new Error("the stream said nothing");
  return message;
}
