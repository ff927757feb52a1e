import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, frameOf, pack, unpack } from "../../../src/rpc/packed.ts";

describe("a packed message", () => {
  it("arrives as it was, whatever it holds", () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true }).map((number) => number + 0),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(Infinity, -Infinity),
      fc.uint8Array(),
      fc.uint32Array(),
    );
    const name = fc.stringMatching(/^[a-z][a-z0-9/]*$/);
    const message = fc.letrec((tie) => ({
      any: fc.oneof(
        leaf,
        fc.array(tie("any")),
        fc.dictionary(name, tie("any"), { noNullPrototype: true }),
      ),
    })).any;
    fc.assert(
      fc.property(message, (one) => {
        expect(unpack(pack(one))).toEqual(one);
      }),
    );
  });

  it("leaves out what is undefined, as JSON does", () => {
    expect(unpack(pack({ a: undefined, b: 1 }))).toEqual({ b: 1 });
  });

  it("carries views of larger buffers without the rest", () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5]);
    expect(unpack(pack({ bytes: whole.subarray(1, 3) }))).toEqual({ bytes: Uint8Array.of(2, 3) });
  });
});

describe("messages in a stream", () => {
  it("are read however they were cut, and leave what follows them as it is", async () => {
    const messages = [{ kind: "first", bytes: Uint8Array.of(1, 2) }, { kind: "second" }];
    const follows = new TextEncoder().encode("data: the engine's own bytes\n\n");
    const all = [...messages.map(frameOf), follows].flatMap((part) => [...part]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 })), async (sizes) => {
        const reader = streamOf(all, sizes).getReader();
        const frames = new FrameReader(reader);
        for (const message of messages) expect(await frames.next()).toEqual(message);
        const rest = [...frames.rest()];
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          rest.push(...next.value);
        }
        expect(rest).toEqual([...follows]);
      }),
    );
  });

  it("that end within one are an error", async () => {
    const cut = [...frameOf({ kind: "first" })].slice(0, -1);
    await expect(new FrameReader(streamOf(cut, []).getReader()).next()).rejects.toThrow("ended");
  });
});

/** The bytes in chunks of these sizes, then all that is left in one. */
function streamOf(bytes: readonly number[], sizes: readonly number[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        if (at >= bytes.length) break;
        controller.enqueue(Uint8Array.from(bytes.slice(at, at + size)));
        at += size;
      }
      controller.close();
    },
  });
}
