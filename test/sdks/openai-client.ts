import OpenAI from "openai";
import { ChatCompletionStream } from "openai/lib/ChatCompletionStream";
import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";

/** The official SDK as an app would make it: only base URL and key are ours. */
export function openaiAt(mesh: LocalMesh, edge = 0): OpenAI {
  const baseURL = `${mesh.edges[edge]?.url}/v1`;
  return new OpenAI({ apiKey: mesh.key, baseURL, maxRetries: 0 });
}

/** A whole answer, or a streamed one that the SDK's own helper put together, with the headers it came with. */
export async function complete(
  client: OpenAI,
  request: Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">,
  stream: boolean,
): Promise<Completed> {
  if (!stream) {
    const { data, response } = await client.chat.completions.create(request).withResponse();
    return { answer: data, headers: response.headers };
  }
  const streamed = { ...request, stream, stream_options: { include_usage: true } } as const;
  const { data, response } = await client.chat.completions.create(streamed).withResponse();
  const gathering = ChatCompletionStream.fromReadableStream(data.toReadableStream());
  return { answer: await gathering.finalChatCompletion(), headers: response.headers };
}

export type Completed = { readonly answer: OpenAI.ChatCompletion; readonly headers: Headers };

/** The receipt that a response names. */
export async function receiptOf(mesh: LocalMesh, headers: Headers): Promise<Receipt> {
  const url = `${mesh.edges[0]?.url}/v1/receipts/${headers.get("phaseway-receipt")}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${mesh.key}` } });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Receipt;
}

/** `phaseway-route` by its members. */
export function routeOf(headers: Headers): Record<string, string> {
  const entries = (headers.get("phaseway-route") ?? "").split(", ");
  return Object.fromEntries(
    entries.map((entry) => entry.split("=").map((part) => part.replaceAll('"', ""))),
  ) as Record<string, string>;
}

/** So many words that no other test sends. */
export function coldWords(count: number): string {
  const salt = crypto.randomUUID().slice(0, 8);
  return Array.from({ length: count }, (_, index) => `${salt}${index.toString(36)}`).join(" ");
}
