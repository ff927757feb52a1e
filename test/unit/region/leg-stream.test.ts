import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_EVENT_BYTES } from "../../../src/core/sse.ts";
import { createDeadline, LegBroken, untilFirstContent } from "../../../src/region/leg-stream.ts";
import { cut, streamOfChunks } from "../../support/chunks.ts";

const ROLE = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n`;
const TOKEN = `data: {"choices":[{"index":0,"delta":{"content":"é😀"}}]}\n\n`;
const END = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
const COMMENT = ": ping\r\n\r\n";

const places = fc.array(fc.nat(), { maxLength: 12 });

/** What a leg's reader is given of a stream, or how the leg broke. */
async function first(source: ReadableStream<Uint8Array>): Promise<string | LegBroken> {
  const deadline = createDeadline(60_000, 60_000, () => {});
  try {
    const bytes = await new Response(await untilFirstContent(source, deadline)).arrayBuffer();
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof LegBroken || error instanceof SyntaxError) return error as LegBroken;
    throw error;
  } finally {
    deadline.clear();
  }
}

const chunksOf = (text: string, where: readonly number[]) =>
  streamOfChunks(cut(new TextEncoder().encode(text), where));

describe("a stream up to its first content", () => {
  it("is given whole, from its first byte, wherever it is cut", async () => {
    const before = fc.array(
      fc.constantFrom(COMMENT, ROLE, "\uFEFF", "event: x\n\n", "data: {\n\n"),
    );
    await fc.assert(
      fc.asyncProperty(before, places, async (start, where) => {
        const text = `${start.join("")}\n\n${TOKEN}${END}`;
        expect(await first(chunksOf(text, where))).toBe(text);
      }),
    );
  });

  it("is malformed when it ends before any content, wherever that is", async () => {
    const text = COMMENT + ROLE + TOKEN;
    const latest = new TextEncoder().encode(text).length - 1;
    await fc.assert(
      fc.asyncProperty(fc.nat(latest), places, async (end, where) => {
        const bytes = new TextEncoder().encode(text).slice(0, end);
        expect(await first(streamOfChunks(cut(bytes, where)))).toMatchObject({
          kind: "malformed",
          message: "the stream ended before any content",
        });
      }),
    );
  });

  it.each([`{"error":{"message":"out of memory"}}`, `{'error': {'message': 'out of memory'}}`])(
    "fails with the engine's own words when it tells of an error: %s",
    async (error) => {
      await fc.assert(
        fc.asyncProperty(places, async (where) => {
          const stream = chunksOf(`${ROLE}data: ${error}\n\n${END}`, where);
          const broken = await first(stream);
          expect(broken).toMatchObject({ kind: "status" });
          expect(String(broken)).toContain("out of memory");
        }),
      );
    },
  );

  it.each([
    ["a line without an end", () => "x".repeat(4096), "an event of the stream is over"],
    ["an event without an end", () => "data: x\n".repeat(512), "an event of the stream is over"],
    ["comments without an end", () => COMMENT.repeat(512), "no content in the first"],
    ["roles without an end", () => ROLE.repeat(64), "no content in the first"],
  ])("is malformed when it is %s, and lets go of the engine", async (_what, part, why) => {
    let sent = 0;
    let letGo = false;
    const chunk = new TextEncoder().encode(part());
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 4 * MAX_EVENT_BYTES) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => void (letGo = true),
    });
    expect(String(await first(endless))).toContain(`${why} ${MAX_EVENT_BYTES} bytes`);
    expect(letGo).toBe(true);
    expect(sent).toBeLessThan(MAX_EVENT_BYTES + 3 * chunk.length);
  });
});
