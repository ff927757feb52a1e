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
  let pending: Uint8Array = new Uint8Array();
  let scanned = 0;
  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : join(pending, chunk);
      const frames: Uint8Array[] = [];
      let start = 0;
      for (;;) {
        const end = frameEnd(pending, Math.max(start, scanned));
        if (end < 0) break;
        frames.push(pending.subarray(start, end));
        start = end;
        scanned = end;
      }
      pending = pending.subarray(start);
      // The last three bytes may be the beginning of a blank line.
      scanned = Math.max(0, pending.length - 3);
      return frames;
    },
    rest: () => pending,
  };
}

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

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
