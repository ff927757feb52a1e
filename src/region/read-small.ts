import { ByteBuffer } from "../core/byte-buffer.ts";
import { LegBroken } from "./leg-stream.ts";

/** Longest answer of a prefill leg or error body that is read, bytes. */
const MAX_SMALL_BODY = 8 * 1024 * 1024;

/** A whole body that is expected to be small. Throws `LegBroken` over 8 MB. */
export async function readSmall(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const whole = new ByteBuffer();
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (whole.length + chunk.length > MAX_SMALL_BODY) {
      throw new LegBroken("malformed", `answer over ${MAX_SMALL_BODY} bytes`);
    }
    whole.append(chunk);
  }
  return whole.view();
}
