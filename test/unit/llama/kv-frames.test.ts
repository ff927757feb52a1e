import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chunkLimitBytes,
  CorruptStream,
  readFrames,
  type StateHeader,
  writeFrames,
} from "../../../workers/llama/kv/frames.ts";

const key = Buffer.alloc(32, 7);
const state = Buffer.from("the state of a sequence, in two chunks");
const startBytes = 22;

describe("a framed stream of KV state", () => {
  it("gives back what was written, however it is cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 500 }),
        fc.boolean(),
        async (pieces, pieceBytes, withKey) => {
          const whole = Buffer.concat(pieces);
          const sealKey = withKey ? key : undefined;
          const sent = await gather(writeFrames(headerOf(whole), from(pieces), sealKey));
          expect(await read(inPieces(sent, pieceBytes), sealKey)).toEqual(whole);
        },
      ),
    );
  });

  it("sends no chunk over 1 MB, and reads a state of many", async () => {
    const large = randomBytes(2 * chunkLimitBytes + 5);
    const frames = await list(writeFrames(headerOf(large), from([large])));
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThan(chunkLimitBytes + 64);
    expect(frames).toHaveLength(6);
    expect((await read(from(frames))).equals(large)).toBe(true);
  });

  it("tells a stream cut at any byte from a whole one", async () => {
    for (const sealKey of [undefined, key]) {
      const sent = Buffer.concat(await frames({ key: sealKey }));
      for (let at = 0; at < sent.length; at += 1) {
        const cut = read(from([sent.subarray(0, at)]), sealKey);
        await expect(cut, `cut at ${at}`).rejects.toThrow(`cut after ${at} bytes`);
      }
    }
  });

  it("tells a stream with any byte flipped from a whole one", async () => {
    for (const sealKey of [undefined, key]) {
      const sent = Buffer.concat(await frames({ key: sealKey }));
      for (let at = 0; at < sent.length; at += 1) {
        const flipped = Buffer.from(sent);
        flipped[at] = (flipped[at] ?? 0) ^ 0x40;
        await expect(read(from([flipped]), sealKey), `byte ${at}`).rejects.toThrow(CorruptStream);
      }
    }
  });

  it("refuses frames in another order, left out, repeated or of another stream", async () => {
    for (const sealKey of [undefined, key]) {
      const [start, header, one, two, end] = await five(sealKey);
      const [, otherHeader, otherOne] = await five(sealKey);
      const refused = [
        [start, header, two, one, end],
        [start, header, one, end],
        [start, header, one, one, two, end],
        [start, header, otherOne, two, end],
        [start, otherHeader, one, two, end],
        [start, header, one, two, end, end],
      ];
      for (const stream of refused) {
        await expect(read(from(stream), sealKey)).rejects.toThrow(CorruptStream);
      }
      expect(await read(from([start, header, one, two, end]), sealKey)).toEqual(state);
    }
  });

  it("refuses another key, no key, and a stream without seal where a key is expected", async () => {
    const sealed = await frames({ key });
    const plain = await frames({ key: undefined });
    await expect(read(from(sealed), Buffer.alloc(32, 8))).rejects.toThrow("frame 0");
    await expect(read(from(sealed))).rejects.toThrow("sealed with a key");
    await expect(read(from(plain), key)).rejects.toThrow("not sealed");
  });

  it("hides the state and not the header from who has no key", async () => {
    const sent = Buffer.concat(await frames({ key }));
    expect(sent.includes(state.subarray(0, 8))).toBe(false);
    expect(sent.includes('"model":"m"')).toBe(true);
  });

  it("refuses a frame that claims to be huge before it has come", async () => {
    const [start, header] = await five(undefined);
    const huge = Buffer.from([1, 0xff, 0xff, 0xff, 0xff]);
    const endless = (async function* () {
      yield* [start, header, huge];
      await new Promise(() => {});
    })();
    await expect(read(endless)).rejects.toThrow("longer than any frame");
  });

  it("does not end a stream whose state is shorter than its header says", async () => {
    const short = writeFrames({ ...headerOf(state), bytes: 99 }, from([state]));
    await expect(gather(short)).rejects.toThrow("99");
  });
});

function headerOf(bytes: Uint8Array): StateHeader {
  return { version: 1, model: "m", tokens: 3, bytes: bytes.length };
}

/** Of `state` in two chunks: the start, the header, both chunks and the end. */
async function frames({ key }: { key: Buffer | undefined }): Promise<Buffer[]> {
  const halves = [state.subarray(0, 20), state.subarray(20)];
  return list(writeFrames(headerOf(state), from(halves), key));
}

async function five(key: Buffer | undefined): Promise<[Buffer, Buffer, Buffer, Buffer, Buffer]> {
  const [start, header, one, two, end] = await frames({ key });
  if (!start || !header || !one || !two || !end) throw new Error("five frames are expected");
  expect(start).toHaveLength(startBytes);
  return [start, header, one, two, end];
}

async function read(stream: AsyncIterable<Uint8Array>, key?: Buffer): Promise<Buffer> {
  return gather((await readFrames(stream, key)).state);
}

async function* from(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const count = Math.ceil(bytes.length / pieceBytes);
  return from(
    Array.from({ length: count }, (_, n) => bytes.subarray(n * pieceBytes, (n + 1) * pieceBytes)),
  );
}

async function list(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of stream) all.push(piece);
  return all;
}

async function gather(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await list(stream));
}
