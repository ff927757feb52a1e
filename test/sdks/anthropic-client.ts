import Anthropic from "@anthropic-ai/sdk";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { seenMessage } from "../support/message-events.ts";
import { watchedFetch } from "../support/watched-fetch.ts";

/** The official SDK as an app would make it: base URL and key are ours. Streams break whose events are out of order. */
export function anthropicAt(mesh: LocalMesh, edge = 0): Anthropic {
  const baseURL = mesh.edges[edge]?.url ?? "";
  return new Anthropic({ apiKey: mesh.key, baseURL, maxRetries: 0, fetch: watchedFetch });
}

/** A whole message, or a streamed one that the SDK's own helper put together, with the headers it came with. */
export async function message(
  client: Anthropic,
  request: Anthropic.MessageCreateParamsNonStreaming,
  stream: boolean,
): Promise<Answered> {
  if (!stream) {
    const { data, response } = await client.messages.create(request).withResponse();
    return { answer: data, headers: response.headers };
  }
  const streaming = client.messages.stream(request);
  const { response } = await streaming.withResponse();
  return { answer: await streaming.finalMessage(), headers: response.headers };
}

export type Answered = { readonly answer: Anthropic.Message; readonly headers: Headers };

/** What a stream says to whoever reads its bytes; throws where its events are out of order. */
export async function rawMessage(
  mesh: LocalMesh,
  request: Omit<Anthropic.MessageCreateParamsStreaming, "stream">,
) {
  const response = await fetch(`${mesh.edges[0]?.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": mesh.key, "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ ...request, stream: true }),
  });
  return seenMessage(await response.text());
}

/** The text of a message. */
export function textOf({ content }: Pick<Anthropic.Message, "content">): string {
  return content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
}
