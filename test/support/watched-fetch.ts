import { seenMessage } from "./message-events.ts";
import { checkResponseEvents, responseEvents } from "./response-events.ts";

/** `fetch` that reads along: streams of Messages and Responses break whose events are out of order. */
export async function watchedFetch(...asked: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...asked);
  const { body, headers, status, url } = response;
  if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) {
    return response;
  }
  const decoder = new TextDecoder();
  let text = "";
  const watched = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      text += decoder.decode(chunk, { stream: true });
      controller.enqueue(chunk);
    },
    flush: () => check(new URL(url).pathname, text),
  });
  return new Response(body.pipeThrough(watched), { status, headers });
}

function check(path: string, text: string): void {
  if (path === "/v1/messages") seenMessage(text);
  if (path === "/v1/responses") checkResponseEvents(responseEvents(text));
}
