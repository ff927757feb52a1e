import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectAnswer } from "../../../src/core/chat-frames.ts";
import { MAX_EVENT_BYTES } from "../../../src/core/sse.ts";
import { relay, type Relayed } from "../../../src/turn/relay.ts";
import { cut, streamOfChunks } from "../../support/chunks.ts";

const token = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}`;
const USAGE = 'data: {"choices":[],\ndata: "usage":{"prompt_tokens":9,"completion_tokens":2}}';
const DONE = "data: [DONE]";
const ERROR = 'data: {"error":"told"}\n\n';

const content = fc.constantFrom("a", "é", "😀", '"', "\n", "\\u0000");
const event = fc.oneof(
  content.map(token),
  fc.constantFrom(USAGE, ": note", "event: ping", "id: 1", "data: {broken", "data", "retry: 5"),
);
const eol = fc.constantFrom("\n", "\r\n", "\r");
/** The events of an answer, each as it is sent. */
const answer = fc
  .tuple(fc.array(event, { maxLength: 12 }), eol)
  .map(([events, end]) => [...events, DONE].map((text) => lines(text, end) + end));
const places = fc.array(fc.nat(), { maxLength: 16 });

function lines(text: string, end: string): string {
  return text.replaceAll("\n", end) + end;
}

async function relayed(source: ReadableStream<Uint8Array>) {
  const settled: Relayed[] = [];
  const collector = collectAnswer();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const reading = new Response(readable).text();
  await relay(source, writable.getWriter(), {
    signal: new AbortController().signal,
    dropUsage: false,
    correct: undefined,
    told: () => undefined,
    collector,
    settle: async (seen) => void settled.push({ ...seen }),
    errorFrame: () => ERROR,
  });
  return { text: await reading, settled, said: collector.answer()?.content };
}

const encode = (text: string) => new TextEncoder().encode(text);
const saidIn = (events: readonly string[]) =>
  events
    .filter((text) => text.includes("delta"))
    .map((text) => JSON.parse(text.slice(5)).choices[0].delta.content)
    .join("");

describe("any relayed stream", () => {
  it("reaches the client byte for byte and is seen whole, however it is cut and whatever its line ends", async () => {
    await fc.assert(
      fc.asyncProperty(answer, places, async (events, where) => {
        const whole = events.join("");
        const { text, settled, said } = await relayed(streamOfChunks(cut(encode(whole), where)));
        expect(text).toBe(whole);
        expect(settled).toMatchObject([{ ended: "complete" }]);
        expect(settled[0]?.tokenFrames).toBe(events.filter((one) => one.includes("delta")).length);
        expect(settled[0]?.usage !== undefined).toBe(events.some((one) => one.includes("usage")));
        expect(said ?? "").toBe(saidIn(events));
      }),
      { numRuns: 500 },
    );
  });

  it("that is cut off anywhere ends after its last whole event with an error, settled once", async () => {
    const end = fc.constantFrom("close", "break") satisfies fc.Arbitrary<"close" | "break">;
    await fc.assert(
      fc.asyncProperty(answer, fc.nat(), places, end, async (events, at, where, how) => {
        const body = encode(events.slice(0, -1).join(""));
        const sent = body.slice(0, at % (body.length + 1));
        const { text, settled } = await relayed(streamOfChunks(cut(sent, where), how));
        expect(settled).toMatchObject([{ ended: "broken" }]);
        expect(text.endsWith(ERROR)).toBe(true);
        const before = text.slice(0, -ERROR.length);
        expect(new TextDecoder().decode(body).startsWith(before)).toBe(true);
        const complete = events.slice(0, -1).filter((_, n) => {
          const upTo = events.slice(0, n + 1).join("");
          // Where the stream breaks, its last byte may have been half of a line end.
          return encode(upTo).length < sent.length + (how === "close" ? 1 : 0);
        });
        expect(before.length).toBeGreaterThanOrEqual(complete.join("").length);
      }),
      { numRuns: 500 },
    );
  });

  it("of bytes that mean nothing breaks, and never hangs", async () => {
    const noise = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(noise, async (chunks) => {
        const { text, settled } = await relayed(streamOfChunks(chunks));
        expect(settled).toMatchObject([{ ended: "broken" }]);
        expect(text.endsWith(ERROR)).toBe(true);
      }),
    );
  });
});

describe("a relayed stream", () => {
  it("breaks at SGLang's error, which is no JSON", async () => {
    const stream = `${lines(token("a"), "\n")}\ndata: {'error': {'message': 'x'}}\n\n${DONE}\n\n`;
    const { text, settled } = await relayed(streamOfChunks([encode(stream)]));
    expect(text).toBe(`${token("a")}\n\n${ERROR}`);
    expect(settled).toMatchObject([{ ended: "broken", tokenFrames: 1 }]);
  });

  it("passes on an event that only the stream's end completes, and one that it makes the last", async () => {
    const cutOff = await relayed(streamOfChunks([encode(`${token("a")}\r\r`)]));
    expect(cutOff.text).toBe(`${token("a")}\r\r${ERROR}`);
    expect(cutOff.settled).toMatchObject([{ ended: "broken", tokenFrames: 1 }]);
    const whole = await relayed(streamOfChunks([encode(`${token("a")}\r\r${DONE}\r\r`)]));
    expect(whole.text).toBe(`${token("a")}\r\r${DONE}\r\r`);
    expect(whole.settled).toMatchObject([{ ended: "complete" }]);
  });

  it("breaks at an event without an end, and reads no more of it", async () => {
    let sent = 0;
    const chunk = encode("x".repeat(65_536));
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 4 * MAX_EVENT_BYTES) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const { settled } = await relayed(endless);
    expect(settled).toMatchObject([
      { ended: "broken", why: `an event of the stream is over ${MAX_EVENT_BYTES} bytes` },
    ]);
    expect(sent).toBeLessThan(MAX_EVENT_BYTES + 3 * chunk.length);
  });
});
