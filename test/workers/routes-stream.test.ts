import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, createEdge, type Edge } from "./edge.ts";
import { chunkOf, HELLO, politely, streamOf, USAGE, usageChunk } from "./fake-engine.ts";

let edge: Edge;
/** Comments after a moment of silence, which a slow machine may take for anything. */
let impatient: Edge;

beforeAll(async () => {
  edge = await createEdge();
  impatient = await createEdge({ turnSettings: { keepAliveMs: 20 } });
});
beforeEach(() => [edge, impatient].forEach(({ engine }) => engine.forget()));
afterAll(() => Promise.all([edge, impatient].map((one) => one.settled())));

const framed = (frames: readonly string[]) => frames.map((data) => `data: ${data}\n\n`).join("");
const sentOptions = () => edge.engine.sent[0]?.json["stream_options"];

describe("a stream", () => {
  it.each([undefined, null, {}, { include_usage: false }, { include_obfuscation: true }])(
    "has no usage when its options are %j, though the engine is always asked",
    async (options) => {
      const answer = await edge.chat(ask({ stream: true, stream_options: options }));
      expect(await answer.text()).toBe(framed([...HELLO, "[DONE]"]));
      expect(sentOptions()).toEqual({ ...options, include_usage: true });
    },
  );

  it("ends with its usage when it was asked for", async () => {
    const options = { include_usage: true };
    const answer = await edge.chat(ask({ stream: true, stream_options: options }));
    const text = await answer.text();
    const frames = text.trim().split("\n\n");
    expect(frames.slice(0, -2).join("\n\n")).toBe(framed(HELLO).trim());
    expect(JSON.parse(frames.at(-2)?.slice(6) ?? "")).toMatchObject({ choices: [], usage: USAGE });
    expect(frames.at(-1)).toBe("data: [DONE]");
  });

  it("keeps the client's other stream options as it wrote them", async () => {
    await edge.chat(
      '{"model":"small","stream":true,"messages":[{"role":"user","content":"hi"}],"stream_options": { "continuous_usage_stats":true , "include_usage" : false,"x":1.0e2}}',
    );
    expect(new TextDecoder().decode(edge.engine.sent[0]?.body)).toContain(
      '"stream_options": { "continuous_usage_stats":true , "include_usage" : true,"x":1.0e2}',
    );
  });

  it("passes frames as the engine wrote them, whatever they hold", async () => {
    const odd = [
      chunkOf({ content: "é\u2028🚀" }).replace(
        '"usage":null',
        '"usage" : null, "n":12345678901234567890',
      ),
      chunkOf({ reasoning_content: "hm", made_up: { a: [1.0, null] } }),
      chunkOf({ tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: '{"' } }] }),
      chunkOf({}, "tool_calls"),
    ];
    edge.engine.answers(() => streamOf([...odd, usageChunk(USAGE), "[DONE]"]));
    const answer = await edge.chat(ask({ stream: true }));
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    expect(await answer.text()).toBe(framed([...odd, "[DONE]"]));
  });

  it("is kept alive by comments while the engine is silent", async () => {
    let goOn = () => {};
    const silence = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    impatient.engine.answers(async (sent) => {
      await silence;
      return politely(sent);
    });
    const answer = await impatient.chat(ask({ stream: true }));
    expect(answer.headers.get("phaseway-route")).toMatch(/^mode=together/);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();
    expect(first?.value).toBe(": keep-alive\n\n");
    goOn();
    let rest = "";
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      rest += next.value;
    }
    expect(rest.replaceAll(": keep-alive\n\n", "")).toBe(framed([...HELLO, "[DONE]"]));
  });

  it.each([
    [500, { code: "engine_failed", type: "server_error", param: null }],
    [429, { code: "rate_limit_exceeded", type: "rate_limit_error" }],
    [400, { code: "too_hot", message: "too hot" }],
  ])(
    "that fails with %i after a comment says so in band, without [DONE]",
    async (status, error) => {
      let refuse = () => {};
      const silence = new Promise<void>((resolve) => {
        refuse = resolve;
      });
      impatient.engine.answers(async () => {
        await silence;
        return Response.json({ error: { code: "too_hot", message: "too hot" } }, { status });
      });
      const answer = await impatient.chat(ask({ stream: true }));
      expect(answer.status).toBe(200);
      refuse();
      const frames = (await answer.text()).replaceAll(": keep-alive\n\n", "").trim();
      expect(JSON.parse(frames.slice("data: ".length))).toMatchObject({ error });
    },
  );

  it("ends the engine's when its reader leaves", async () => {
    let ended: (() => void) | undefined;
    const left = new Promise<void>((resolve) => {
      ended = resolve;
    });
    edge.engine.answers(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (const data of HELLO.slice(0, 2))
            controller.enqueue(new TextEncoder().encode(`data: ${data}\n\n`));
        },
        cancel: () => ended?.(),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const answer = await edge.chat(ask({ stream: true }));
    const reader = answer.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await left;
  });
});

describe("a whole answer", () => {
  it("is the engine's own, byte for byte, with the options the client sent", async () => {
    const text =
      '{ "id":"x", "big":12345678901234567890, "choices":[{"index":0,"message":{"role":"assistant","content":"\\u00e9"}}],' +
      `"usage":${JSON.stringify(USAGE)} }\n`;
    edge.engine.answers(
      () => new Response(text, { headers: { "content-type": "application/json; charset=utf-8" } }),
    );
    const answer = await edge.chat(ask({ stream: false }));
    expect(await answer.text()).toBe(text);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(sentOptions()).toBeUndefined();
  });

  it("may have several choices, which one engine gives", async () => {
    await edge.chat(ask({ n: 3 }));
    expect(edge.engine.sent).toHaveLength(1);
    expect(edge.engine.sent[0]?.json).toMatchObject({ n: 3 });
  });
});
