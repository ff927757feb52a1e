import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseFramer, frameData, MAX_EVENT_BYTES } from "../../../src/core/sse.ts";
import { cut } from "../../support/chunks.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const places = fc.array(fc.nat(), { maxLength: 16 });

/** Everything of a stream: its events, and what was left. */
function framed(chunks: Iterable<Uint8Array>, maxEventBytes?: number) {
  const framer = createSseFramer(maxEventBytes);
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) frames.push(...framer.push(chunk));
  frames.push(...framer.end());
  return { frames, rest: framer.rest() };
}

function told(frames: readonly Uint8Array[]): string[] {
  return frames.map(frameData).filter((data) => data !== undefined);
}

function reference(text: string): string[] {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  parser.feed(text);
  return events;
}

/** What streams are made of, and what breaks them. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("\n", "\r\n", "\r", "\n\n", "\r\r", "\r\n\r\n") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("data", "data:", "data: ", "data:  ", "datax:", " data:"),
  },
  { weight: 1, arbitrary: fc.constantFrom("event: ping", "id: 7", "retry: 10", ": note", ":") },
  { weight: 2, arbitrary: fc.constantFrom('{"a":1}', "[DONE]", "é😀", "\0", "  ") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
);
const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

describe("any stream at all", () => {
  it("has the events that eventsource-parser finds, wherever it is cut and whatever its line ends", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "\uFEFF"), soup, places, (bom, text, where) => {
        // A BOM later on is the reference's business alone.
        const whole = bom + text.replaceAll("\uFEFF", "x");
        expect(told(framed(cut(encode(whole), where)).frames)).toEqual(reference(whole));
      }),
      { numRuns: 3000 },
    );
  });

  it("has the same events cut anywhere as whole, and loses none of its bytes, even where these are no text", () => {
    const bytes = fc.array(
      fc.oneof(
        soup.map((text) => encode(text)),
        fc.uint8Array({ maxLength: 8 }),
      ),
    );
    fc.assert(
      fc.property(bytes, places, (parts, where) => {
        const whole = new Uint8Array(Buffer.concat(parts));
        const { frames, rest } = framed(cut(whole, where));
        expect(new Uint8Array(Buffer.concat([...frames, rest]))).toEqual(whole);
        expect(frames).toEqual(framed([whole]).frames);
      }),
      { numRuns: 1000 },
    );
  });

  it("that is cut off has the events that were complete, and a rest that is none", () => {
    fc.assert(
      fc.property(soup, fc.nat(), (text, at) => {
        const whole = encode(text);
        const all = framed([whole]).frames;
        const { frames, rest } = framed([whole.slice(0, at % (whole.length + 1))]);
        expect(all.length).toBeGreaterThanOrEqual(frames.length);
        expect(told(frames)).toEqual(told(all).slice(0, told(frames).length));
        expect(framed([rest]).frames).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("an event that is too long", () => {
  it("is refused, and those before it are not, wherever the stream is cut", () => {
    const short = "data: 1\n\n";
    const long = `data: ${"x".repeat(100)}\n\n`;
    fc.assert(
      fc.property(places, (where) => {
        const framer = createSseFramer(long.length - 1);
        const frames: Uint8Array[] = [];
        const feed = () => {
          for (const chunk of cut(encode(short + short + long + short), where)) {
            frames.push(...framer.push(chunk));
          }
          // Where it came with others in the last chunk, it is refused next.
          framer.push(encode("\n"));
        };
        expect(feed).toThrow(
          new SyntaxError(`an event of the stream is over ${long.length - 1} bytes`),
        );
        expect(told(frames)).toEqual(["1", "1"]);
      }),
    );
    expect(told(framed([encode(long)], long.length).frames)).toHaveLength(1);
  });

  it.each([1, 64, 65_536])("is refused after so many bytes in chunks of %i", (size) => {
    const chunk = new Uint8Array(size).fill(97);
    const framer = createSseFramer();
    let fed = 0;
    // Were every chunk to copy what came before it, this would take hours.
    const endless = () => {
      for (; fed <= 2 * MAX_EVENT_BYTES; fed += size) framer.push(chunk);
    };
    expect(endless).toThrow(SyntaxError);
    expect(fed).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  });

  it("is refused when it is all line ends that come to no blank line", () => {
    const framer = createSseFramer(1000);
    expect(() => {
      for (let n = 0; n < 2000; n += 1) framer.push(encode(": x\n"));
    }).toThrow(SyntaxError);
  });
});
