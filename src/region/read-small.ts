import { concatenate } from "../core/json-members.ts";
import { LegBroken } from "./leg-stream.ts";

/** Longest answer of a prefill leg or error body that is read, bytes. */
const MAX_SMALL_BODY = 8 * 1024 * 1024;

/** A whole body that is expected to be small. Throws `LegBroken` over 8 MB. */
export async function readSmall(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_SMALL_BODY)
      throw new LegBroken("malformed", `answer over ${MAX_SMALL_BODY} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : concatenate(chunks);
}
