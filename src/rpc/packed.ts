/**
 * A message as bytes, for workers that meet over `fetch`: JSON, and behind it the bytes that JSON cannot hold. Typed
 * arrays and infinite numbers arrive as they were.
 */
export function pack(message: unknown): Uint8Array<ArrayBuffer> {
  const blobs: Uint8Array[] = [];
  let size = 0;
  const json = JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
    if (!(value instanceof Uint8Array || value instanceof Uint32Array)) return value;
    const blob = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    blobs.push(blob);
    size += blob.byteLength;
    const kind = value instanceof Uint8Array ? "$bytes" : "$words";
    return { [kind]: [size - blob.byteLength, size] };
  });
  const head = encoder.encode(json);
  const packed = new Uint8Array(LENGTH_BYTES + head.byteLength + size);
  new DataView(packed.buffer).setUint32(0, head.byteLength);
  let at = LENGTH_BYTES;
  for (const part of [head, ...blobs]) {
    packed.set(part, at);
    at += part.byteLength;
  }
  return packed;
}

/** The message of `pack`; throws on anything else. Its bytes are views of `packed`. */
export function unpack(packed: Uint8Array): unknown {
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  const blobsAt = LENGTH_BYTES + length;
  const json = new TextDecoder().decode(packed.subarray(LENGTH_BYTES, blobsAt));
  return JSON.parse(json, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const { $number, $bytes, $words } = value as Tagged;
    if ($number !== undefined) return Number($number);
    const range = $bytes ?? $words;
    if (range === undefined) return value;
    const blob = packed.subarray(blobsAt + range[0], blobsAt + range[1]);
    // Words must begin at a multiple of four.
    return $bytes ? blob : new Uint32Array(blob.slice().buffer);
  });
}

/** A packed message with its length in front, as one of several in a stream. */
export function frameOf(message: unknown): Uint8Array<ArrayBuffer> {
  const packed = pack(message);
  const frame = new Uint8Array(LENGTH_BYTES + packed.byteLength);
  new DataView(frame.buffer).setUint32(0, packed.byteLength);
  frame.set(packed, LENGTH_BYTES);
  return frame;
}

/** Reads messages from the front of a stream; what follows them is left to be read as it is. */
export class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #held = new Uint8Array();

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async next(): Promise<unknown> {
    const length = new DataView((await this.#take(LENGTH_BYTES)).buffer).getUint32(0);
    return unpack(await this.#take(length));
  }

  /** Bytes that came with the last message, and belong to what follows. */
  rest(): Uint8Array {
    return this.#held;
  }

  async #take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#held.byteLength < length) {
      const { done, value } = await this.#reader.read();
      if (done) throw new TypeError("the stream ended within a message");
      const both = new Uint8Array(this.#held.byteLength + value.byteLength);
      both.set(this.#held);
      both.set(value, this.#held.byteLength);
      this.#held = both;
    }
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}

type Tagged = {
  readonly $number?: string;
  readonly $bytes?: readonly [number, number];
  readonly $words?: readonly [number, number];
};

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
