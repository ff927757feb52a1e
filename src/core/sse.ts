import { ByteBuffer } from "./byte-buffer.ts";

/** Cuts a byte stream into server-sent events, each with its closing blank line. */
export type SseFramer = {
  /** The events completed by `chunk`, byte for byte. Throws a SyntaxError at an event that is too long. */
  push(chunk: Uint8Array): Uint8Array[];
  /** The event that the end of the stream completes, when its blank line is a lone CR. */
  end(): Uint8Array[];
  /** Bytes of an event that is not complete. */
  rest(): Uint8Array;
};

/** Longest event that is read, bytes: as long as the longest answer that is no stream. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

const LF = 10;
const CR = 13;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function createSseFramer(maxEventBytes = MAX_EVENT_BYTES): SseFramer {
  let pending = new ByteBuffer();
  let isTooLong = false;

  /** Takes the complete events off `bytes`, in which no blank line ends before `from`, and keeps the rest. */
  function cut(bytes: Uint8Array, from: number, last: "more" | "end"): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let start = 0;
    for (let scanned = from; !isTooLong; scanned = start) {
      const end = frameEnd(bytes, scanned, last);
      isTooLong = (end < 0 ? bytes.length : end) - start > maxEventBytes;
      if (end < 0 || isTooLong) break;
      frames.push(bytes.subarray(start, end));
      start = end;
    }
    if (start > 0 || pending.length === 0) {
      pending = new ByteBuffer();
      pending.append(bytes.subarray(start));
    }
    // What came before it is still given out.
    if (isTooLong && frames.length === 0) throw tooLong(maxEventBytes);
    return frames;
  }

  return {
    push(chunk) {
      if (isTooLong) throw tooLong(maxEventBytes);
      if (pending.length === 0) return cut(chunk, 0, "more");
      const from = Math.max(0, pending.length - BLANK_LINE_BYTES);
      pending.append(chunk);
      return cut(pending.view(), from, "more");
    },
    end: () => cut(pending.view(), 0, "end"),
    rest: () => pending.view(),
  };
}

/** CR LF CR: a blank line that lacks one byte. */
const BLANK_LINE_BYTES = 3;

/** The event's data lines joined by LF, or nothing for comments and blank events. */
export function frameData(frame: Uint8Array): string | undefined {
  const lines = decoder.decode(frame).split(/\r\n|\n|\r/);
  const data = lines.filter(isData);
  if (data.length === 0) return undefined;
  return data.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

/** The event with other data in place of its own; its other fields and comments stay. */
export function withFrameData(frame: Uint8Array, data: string): Uint8Array {
  const lines = decoder.decode(frame).split(/\r\n|\n|\r/);
  const others = lines.filter((line) => line !== "" && !isData(line));
  const own = data.split("\n").map((line) => `data: ${line}`);
  return encoder.encode(`${[...others, ...own].join("\n")}\n\n`);
}

function isData(line: string): boolean {
  return line === "data" || line.startsWith("data:");
}

/** Where the first blank line at or after `from` ends; -1 when there is none yet. */
function frameEnd(bytes: Uint8Array, from: number, last: "more" | "end"): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    const next = lineEnd(bytes, at);
    const after = bytes[next];
    if (after === LF || after === CR) {
      // A CR that ends the chunk may be half of a CRLF.
      if (after === CR && next + 1 === bytes.length && last === "more") return -1;
      return lineEnd(bytes, next);
    }
    at = next - 1;
  }
  return -1;
}

function lineEnd(bytes: Uint8Array, at: number): number {
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
}

function tooLong(maxEventBytes: number): SyntaxError {
  return new SyntaxError(`an event of the stream is over ${maxEventBytes} bytes`);
}
