import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnswerRenderer } from "../../../src/apps/app-api.ts";
import { openaiErrors } from "../../../src/apps/errors.ts";
import { renderAnswer } from "../../../src/http/render-answer.ts";

/** Says what it was told, in brackets. */
const renderer: AnswerRenderer = {
  whole: (json) => `whole ${json}`,
  frame(data) {
    if (data === "bad") throw new SyntaxError("no chunk");
    return `[${data}]`;
  },
  keepAlive: () => "(silent)",
  end: () => "(end)",
  error: ({ code }) => `(${code})`,
};
const respond = (error: Parameters<typeof openaiErrors.respond>[0]) =>
  openaiErrors.respond(error, "req_1");
const EVENTS = { headers: { "content-type": "text/event-stream; charset=utf-8" } };

async function rendered(chunks: readonly string[]): Promise<string> {
  const encoder = new TextEncoder();
  const body = ReadableStream.from(chunks.map((chunk) => encoder.encode(chunk)));
  return (await renderAnswer(new Response(body, EVENTS), renderer, respond)).text();
}

describe("an answer in the caller's API", () => {
  it("is rendered frame by frame, however its bytes were cut", async () => {
    const whole = ": keep-alive\n\ndata: é\r\n\r\ndata: b\n\ndata: [DONE]\n\n";
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length)), async (at) => {
        const ends = [...new Set(at), whole.length].toSorted((a, b) => a - b);
        const chunks = ends.map((end, n) => whole.slice(ends[n - 1] ?? 0, end));
        expect(await rendered(chunks)).toBe("(silent)[é][b](end)");
      }),
    );
  });

  it.each([
    ["an error", 'data: {"error":{"message":"gone","code":"timeout"}}', "(timeout)"],
    ["an engine's own error", 'data: {"error":{"message":"hot","code":7}}', "(invalid_request)"],
    ["what cannot be read", "data: bad", "(engine_failed)"],
  ])("ends with %s", async (_what, frame, said) => {
    expect(await rendered([`data: a\n\n${frame}\n\n`, "data: b\n\ndata: [DONE]\n\n"])).toBe(
      `[a]${said}`,
    );
  });

  it("ends with an error where its end cannot be said", async () => {
    const end = () => {
      throw new SyntaxError("no end");
    };
    const answer = new Response("data: a\n\ndata: [DONE]\n\n", EVENTS);
    const said = await renderAnswer(answer, { ...renderer, end }, respond);
    expect(await said.text()).toBe("[a](engine_failed)");
  });

  it("stops its source when its reader leaves", async () => {
    let isLeft = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("data: a\n\n")),
      cancel: () => void (isLeft = true),
    });
    const answer = await renderAnswer(new Response(body, EVENTS), renderer, respond);
    await answer.body?.cancel();
    expect(isLeft).toBe(true);
  });

  it("is rendered whole", async () => {
    const answer = await renderAnswer(Response.json({ a: 1 }), renderer, respond);
    expect(await answer.text()).toBe('whole {"a":1}');
  });

  it("is an error where it cannot be rendered", async () => {
    const whole = () => {
      throw new SyntaxError("no completion");
    };
    const answer = await renderAnswer(Response.json({}), { ...renderer, whole }, respond);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ error: { code: "engine_failed" } });
  });

  it("is as it is without a renderer, and where the turn has failed", async () => {
    const answer = Response.json({});
    const failed = Response.json({}, { status: 503 });
    expect(await renderAnswer(answer, undefined, respond)).toBe(answer);
    expect(await renderAnswer(failed, renderer, respond)).toBe(failed);
  });
});
