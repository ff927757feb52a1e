import { createParser, type EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseFramer, frameData, withFrameData } from "../../../src/core/sse.ts";
import { cut } from "../../support/chunks.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function framed(chunks: readonly Uint8Array[]): { frames: Uint8Array[]; rest: Uint8Array } {
  const framer = createSseFramer();
  const frames = chunks.flatMap((chunk) => framer.push(chunk));
  return { frames, rest: framer.rest() };
}

const field = fc.constantFrom(
  "data: ",
  "data:",
  "data:  ",
  "event: x",
  "id: 1",
  ": note",
  "data",
  "other: ",
);
const value = fc.constantFrom("", "a", "é😀", '{"a":1}', "[DONE]", ":", "  x ");
const line = fc.tuple(field, value).map(([name, text]) => (name === "data" ? name : name + text));
const eol = fc.constantFrom("\n", "\r\n", "\r");
const event = fc.array(fc.tuple(line, eol), { minLength: 1, maxLength: 4 });
// A last line that is no comment or event, so that a CR before the end is known to be a line end.
const stream = fc
  .array(fc.tuple(event, eol), { maxLength: 6 })
  .map(
    (events) => `${events.map(([lines, blank]) => lines.flat().join("") + blank).join("")}id: end`,
  );

describe("createSseFramer", () => {
  it("finds the events that eventsource-parser finds, however the bytes are cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const wanted: string[] = [];
        const parser = createParser({
          onEvent: (found: EventSourceMessage) => wanted.push(found.data),
        });
        parser.feed(text);
        const { frames } = framed(cut(encode(text), places));
        expect(frames.map(frameData).filter((data) => data !== undefined)).toEqual(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes an event of many chunks", () => {
    const framer = createSseFramer(64 * 1024 * 1024);
    const chunk = encode("a".repeat(16_384));
    const frames = [encode("data: "), ...Array.from({ length: 2000 }, () => chunk), encode("\n\n")];
    const [event] = frames.flatMap((piece) => framer.push(piece));
    expect(event).toHaveLength(6 + 2000 * 16_384 + 2);
  });

  it("keeps every byte", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const { frames, rest } = framed(cut(encode(text), places));
        expect([...frames, rest].map(decode).join("")).toBe(text);
      }),
    );
  });

  it("returns an event with its blank line, and keeps what is not complete", () => {
    const framer = createSseFramer();
    expect(framer.push(encode("data: a\n\ndata: b\n")).map(decode)).toEqual(["data: a\n\n"]);
    expect(decode(framer.rest())).toBe("data: b\n");
    expect(framer.push(encode("\n")).map(decode)).toEqual(["data: b\n\n"]);
    expect(framer.rest()).toHaveLength(0);
  });

  it("does not part a CRLF that two chunks share", () => {
    const framer = createSseFramer();
    expect(framer.push(encode("data: a\r\n\r"))).toEqual([]);
    expect(framer.push(encode("\n")).map(decode)).toEqual(["data: a\r\n\r\n"]);
  });
});

describe("the end of a stream", () => {
  it("completes an event whose blank line is a lone CR", () => {
    const framer = createSseFramer();
    expect(framer.push(encode("data: a\r\r"))).toEqual([]);
    expect(framer.end().map(decode)).toEqual(["data: a\r\r"]);
    expect(framer.rest()).toHaveLength(0);
  });

  it("completes none that lacks its blank line", () => {
    const framer = createSseFramer();
    framer.push(encode("data: a\n"));
    expect(framer.end()).toEqual([]);
    expect(decode(framer.rest())).toBe("data: a\n");
  });
});

describe("withFrameData", () => {
  it("leaves the event's other fields", () => {
    const frame = encode("event: x\r\n: note\r\ndata: a\r\ndata: b\r\nid: 1\r\n\r\n");
    expect(decode(withFrameData(frame, "c\nd"))).toBe(
      "event: x\n: note\nid: 1\ndata: c\ndata: d\n\n",
    );
  });
});

describe("frameData", () => {
  it("joins data lines and drops one leading space", () => {
    expect(frameData(encode("event: x\ndata:  a\ndata:b\n\n"))).toBe(" a\nb");
  });

  it("finds none in comments", () => {
    expect(frameData(encode(": keep-alive\n\n"))).toBeUndefined();
  });
});
