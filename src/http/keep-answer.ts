import { concatenate } from "../core/json-members.ts";
import type { OnceKept } from "../rpc/once-messages.ts";

/** Belong to one response, not to the answer. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["server-timing", "x-request-id", "request-id"]);

/**
 * Passes an answer on and keeps what passed: undefined when it did not come to its end, `too-large` past `maxBytes`. Who
 * leaves before the end ends its source, unless that is complete already.
 */
export function keepAnswer(
  answer: Response,
  maxBytes: number,
  isComplete: () => boolean,
): { readonly response: Response; readonly kept: Promise<OnceKept | "too-large" | undefined> } {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const { status } = answer;
  const headers = Object.fromEntries(
    [...answer.headers].filter(([name]) => !OWN_HEADERS.has(name)),
  );
  const kept = passOn(answer, writable.getWriter(), maxBytes, isComplete).then((body) =>
    typeof body === "object" ? { status, headers, body } : body,
  );
  return { response: new Response(readable, answer), kept };
}

async function passOn(
  answer: Response,
  client: WritableStreamDefaultWriter<Uint8Array>,
  maxBytes: number,
  isComplete: () => boolean,
): Promise<Uint8Array | "too-large" | undefined> {
  const source = (answer.body as ReadableStream<Uint8Array>).getReader();
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let isThere = true;
  client.closed.catch(() => {
    if (!isComplete()) void source.cancel();
  });
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes <= maxBytes) chunks.push(value.slice());
      else chunks = [];
      if (isThere) isThere = await client.write(value).then(yes, no);
    }
  } catch (error) {
    await client.abort(error).catch(() => {});
    return undefined;
  }
  await client.close().catch(() => {});
  if (!isComplete()) return undefined;
  return bytes > maxBytes ? "too-large" : concatenate(chunks);
}

const yes = () => true;
const no = () => false;
