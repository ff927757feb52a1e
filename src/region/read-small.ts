import { ByteBuffer } from "../core/byte-buffer.ts";
import { LegBroken } from "./leg-stream.ts";

/** Longest answer of a prefill leg or error body that is read, bytes. */
const MAX_SMALL_BODY = 8 * 1024 * 1024;

/** Longest answer of vectors: 2,048 of them, of 1,536 dimensions in digits, take about as many bytes. */
export const MAX_VECTORS = 64 * 1024 * 1024;

/** A whole body that is expected to be small. Throws `LegBroken` over `maxBytes`, 8 MB unless told. */
export async function readSmall(
  body: ReadableStream<Uint8Array>,
  maxBytes = MAX_SMALL_BODY,
): Promise<Uint8Array> {
  const whole = new ByteBuffer();
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (whole.length + chunk.length > maxBytes) {
      throw new LegBroken("malformed", `answer over ${maxBytes} bytes`);
    }
    whole.append(chunk);
  }
  return whole.view();
}
