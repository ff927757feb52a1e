import { randomBytes } from "node:crypto";
import { z } from "zod";
import { ByteReader } from "./byte-reader.ts";
import { frameSeal, type Seal, tagBytes } from "./frame-seal.ts";

/** What a stream of KV state says of itself before its first byte of state. */
export type StateHeader = z.infer<typeof stateHeader>;

const stateHeader = z.strictObject({
  version: z.literal(1),
  /** Fingerprint of model, build and cache types. */
  model: z.string().max(512),
  tokens: z.int().nonnegative(),
  /** Of state, framing not counted. */
  bytes: z.int().nonnegative(),
});

/** A stream of KV state that was cut, altered, mixed with another or read with the wrong key. */
export class CorruptStream extends Error {
  override readonly name = "CorruptStream";
}

export const chunkLimitBytes = 1_000_000;
const headerLimitBytes = 4096;
const magic = Buffer.from("PWKV1");
const idBytes = 16;
const frameStartBytes = 5;
const frameTypes = { header: 0, chunk: 1, end: 2 } as const;
type FrameType = keyof typeof frameTypes;

/**
 * Frames `state` as header, chunks of at most 1 MB and end; with a key each frame is sealed by it.
 * Throws when `state` does not have as many bytes as the header says.
 */
export async function* writeFrames(
  header: StateHeader,
  state: AsyncIterable<Uint8Array>,
  key?: Uint8Array,
): AsyncGenerator<Buffer> {
  const id = randomBytes(idBytes);
  const seal = frameSeal(id, key);
  let index = 0;
  const frame = (type: FrameType, body: Uint8Array): Buffer => frameOf(seal, type, index++, body);

  yield Buffer.concat([magic, Buffer.from([key ? 1 : 0]), id]);
  yield frame("header", Buffer.from(JSON.stringify(header)));
  let bytes = 0;
  for await (const piece of state) {
    for (let at = 0; at < piece.length; at += chunkLimitBytes) {
      yield frame("chunk", piece.subarray(at, at + chunkLimitBytes));
    }
    bytes += piece.length;
  }
  if (bytes !== header.bytes) throw new Error(`a state of ${header.bytes} bytes had ${bytes}`);
  yield frame("end", Buffer.alloc(0));
}

/** A framed stream being read: its header, then its state as it comes. */
export interface FramedState {
  readonly header: StateHeader;
  /** Throws a `CorruptStream` in place of any byte that is not as it was written, and at a missing end. */
  readonly state: AsyncGenerator<Buffer>;
}

/** Reads what `writeFrames` wrote; throws a `CorruptStream` when the header is not as it was written. */
export async function readFrames(
  stream: AsyncIterable<Uint8Array>,
  key?: Uint8Array,
): Promise<FramedState> {
  const bytes = new ByteReader(stream);
  const start = await exactly(bytes, magic.length + 1 + idBytes);
  if (!start.subarray(0, magic.length).equals(magic)) {
    throw new CorruptStream("this is no stream of KV state");
  }
  if (start[magic.length] !== (key ? 1 : 0)) {
    throw new CorruptStream(key ? "the stream is not sealed" : "the stream is sealed with a key");
  }
  const seal = frameSeal(start.subarray(magic.length + 1), key);
  const { type, body } = await readFrame(bytes, seal, 0);
  if (type !== "header") throw new CorruptStream("the stream does not begin with its header");
  const header = stateHeader.safeParse(parseJson(body));
  if (!header.success) throw new CorruptStream("the stream's header is of another version");
  return { header: header.data, state: readState(bytes, seal, header.data) };
}

async function* readState(
  bytes: ByteReader,
  seal: Seal,
  header: StateHeader,
): AsyncGenerator<Buffer> {
  let left = header.bytes;
  for (let index = 1; ; index += 1) {
    const { type, body } = await readFrame(bytes, seal, index);
    if (type === "header") throw new CorruptStream("the stream has two headers");
    if (type === "end") break;
    left -= body.length;
    if (left < 0) throw new CorruptStream("the stream is longer than its header says");
    yield body;
  }
  if (left > 0) throw new CorruptStream("the stream is shorter than its header says");
  if (!(await bytes.ended())) throw new CorruptStream("the stream goes on after its end");
}

function frameOf(seal: Seal, type: FrameType, index: number, body: Uint8Array): Buffer {
  const start = Buffer.alloc(frameStartBytes);
  start.writeUInt8(frameTypes[type]);
  start.writeUInt32BE(body.length, 1);
  const { sent, tag } = seal.close(start, index, body);
  return Buffer.concat([start, sent, tag]);
}

async function readFrame(
  bytes: ByteReader,
  seal: Seal,
  index: number,
): Promise<{ type: FrameType; body: Buffer }> {
  const start = await exactly(bytes, frameStartBytes);
  const length = start.readUInt32BE(1);
  // Before the tag is read nothing is known to be true: a length is not to make us hold more than a chunk.
  if (length > (index === 0 ? headerLimitBytes : chunkLimitBytes)) {
    throw new CorruptStream(`frame ${index} is longer than any frame`);
  }
  const rest = await exactly(bytes, length + tagBytes);
  const body = seal.open(start, index, rest.subarray(0, length), rest.subarray(length));
  const type = (["header", "chunk", "end"] as const)[start.readUInt8()];
  if (!body || !type) throw new CorruptStream(`frame ${index} is not as it was written`);
  return { type, body };
}

async function exactly(bytes: ByteReader, count: number): Promise<Buffer> {
  const read = await bytes.exactly(count);
  if (!read) throw new CorruptStream(`the stream was cut after ${bytes.count} bytes`);
  return read;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
