import { concatenate } from "./json-members.ts";

/** Cuts a byte stream into server-sent events, each with its closing blank line, without copying more than it must. */
export type SseFramer = {
  /** The events completed by `chunk`, byte for byte. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Bytes of an event that is not complete. */
  rest(): Uint8Array;
};

const LF = 10;
const CR = 13;
const decoder = new TextDecoder();

export function createSseFramer(): SseFramer {
  // Pieces of an event that is not complete: joined once it is, as events may be many chunks long.
  let parts: Uint8Array[] = [];
  // The last bytes of them, which may be the beginning of a blank line.
  let tail: Uint8Array = new Uint8Array();
  return {
    push(chunk) {
      const edge = join([tail, chunk]);
      if (frameEnd(edge, 0) < 0) {
        parts.push(chunk);
        tail = edge.slice(-BLANK_LINE_BYTES);
        return [];
      }
      const whole = join([...parts, chunk]);
      const frames: Uint8Array[] = [];
      let start = 0;
      let scanned = whole.length - edge.length;
      for (;;) {
        const end = frameEnd(whole, Math.max(start, scanned));
        if (end < 0) break;
        frames.push(whole.subarray(start, end));
        start = end;
        scanned = end;
      }
      const rest = whole.subarray(start);
      parts = rest.length === 0 ? [] : [rest];
      tail = rest.slice(-BLANK_LINE_BYTES);
      return frames;
    },
    rest: () => join(parts),
  };
}

/** CR LF CR: a blank line that lacks one byte. */
const BLANK_LINE_BYTES = 3;

/** The event's data lines joined by LF, or nothing for comments and blank events. */
export function frameData(frame: Uint8Array): string | undefined {
  const lines = decoder.decode(frame).split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line === "data" || line.startsWith("data:"));
  if (data.length === 0) return undefined;
  return data.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

/** Where the first blank line at or after `from` ends; -1 when there is none yet. */
function frameEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    const next = lineEnd(bytes, at);
    const after = bytes[next];
    if (after === LF || after === CR) {
      // A CR that ends the chunk may be half of a CRLF.
      if (after === CR && next + 1 === bytes.length) return -1;
      return lineEnd(bytes, next);
    }
    at = next - 1;
  }
  return -1;
}

function lineEnd(bytes: Uint8Array, at: number): number {
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const filled = pieces.filter(({ length }) => length > 0);
  if (filled.length === 1 && filled[0]) return filled[0];
  return concatenate(filled);
}
