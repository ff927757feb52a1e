import { describe, expect, it } from "vitest";
import { collectAnswer } from "../../../src/core/chat-frames.ts";
import { relay, type Relayed, type RelayOptions } from "../../../src/turn/relay.ts";

const token = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const FINISH = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
const USAGE = `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n`;
const DONE = "data: [DONE]\n\n";

/** Relays chunks of text, or a stream of one's own, and gives what the client and the turn saw. */
async function relayed(
  source: readonly string[] | ReadableStream<Uint8Array>,
  options: Partial<RelayOptions> = {},
) {
  const settled: Relayed[] = [];
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const body = source instanceof ReadableStream ? source : streamOf(source);
  const reading = new Response(readable).text().catch(() => "broken");
  await relay(body, writable.getWriter(), {
    signal: new AbortController().signal,
    dropUsage: false,
    correct: undefined,
    collector: collectAnswer(),
    told: () => undefined,
    settle: async (seen) => void settled.push({ ...seen }),
    errorFrame: (why) => `data: {"error":"${why}"}\n\n`,
    ...options,
  });
  return { text: await reading, settled };
}

function streamOf(chunks: readonly string[], end: "close" | "error" = "close") {
  const encoder = new TextEncoder();
  const left = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(encoder.encode(next));
      else if (end === "close") controller.close();
      else controller.error(new Error("connection reset"));
    },
  });
}

describe("a relayed stream", () => {
  it("reaches the client byte for byte, however it was cut into chunks", async () => {
    const whole = `: hello\r\n\r\n${token("a")}${token("é")}${FINISH}${USAGE}${DONE}`;
    for (const size of [1, 7, whole.length]) {
      const chunks = whole.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const { text, settled } = await relayed(chunks);
      expect(text).toBe(whole);
      expect(settled).toMatchObject([
        { ended: "complete", tokenFrames: 2, usage: { promptTokens: 9, outputTokens: 2 } },
      ]);
    }
  });

  it("is looked at for what is not for the client, also in the frame that is left out", async () => {
    const taken: string[] = [];
    const take = (frame: Uint8Array) => {
      taken.push(new TextDecoder().decode(frame));
      return frame;
    };
    await relayed([token("a"), USAGE, DONE], { dropUsage: true, take });
    expect(taken).toEqual([token("a"), USAGE]);
  });

  it("loses the usage frame when the client did not ask for it", async () => {
    const { text, settled } = await relayed([token("a"), USAGE, DONE], { dropUsage: true });
    expect(text).toBe(token("a") + DONE);
    expect(settled[0]?.usage?.promptTokens).toBe(9);
  });

  it("has its usage corrected and nothing else", async () => {
    const { text } = await relayed([token("usage"), USAGE, DONE], {
      correct: async () => new TextEncoder().encode("data: corrected\n\n"),
    });
    expect(text).toBe(`${token("usage")}data: corrected\n\n${DONE}`);
  });

  it("tells of the engines behind it whatever any of its frames told", async () => {
    const frames = [token("a"), token("b"), DONE];
    const told = [
      { decode: "7", ttftMs: 1 },
      { ttftMs: 2, pin: "{}" },
    ];
    const { settled } = await relayed(frames, { told: () => told.shift() });
    expect(settled[0]?.told).toEqual({ decode: "7", ttftMs: 2, pin: "{}" });
  });

  it("holds its last frame until the turn is settled", async () => {
    const order: string[] = [];
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const reader = readable.getReader();
    const done = relay(streamOf([token("a"), DONE]), writable.getWriter(), {
      signal: new AbortController().signal,
      dropUsage: false,
      correct: undefined,
      collector: collectAnswer(),
      told: () => undefined,
      settle: async () => void order.push("settled"),
      errorFrame: () => "",
    });
    for (;;) {
      const { value, done: isOver } = await reader.read();
      if (isOver) break;
      order.push(new TextDecoder().decode(value).includes("[DONE]") ? "last frame" : "token");
    }
    await done;
    expect(order).toEqual(["token", "settled", "last frame"]);
  });

  it.each(["data: [DONE]", "data: [DONE]\n", "data: [DONE]\r"])(
    "that ends with %j and no blank line is complete",
    async (end) => {
      const { text, settled } = await relayed([token("a"), end]);
      expect(text).toBe(`${token("a")}${end}\n\n`);
      expect(settled).toMatchObject([{ ended: "complete" }]);
    },
  );

  it.each([
    ["ends without [DONE]", streamOf([token("a")])],
    ["breaks", streamOf([token("a")], "error")],
    ["tells of an error", streamOf([token("a"), 'data: {"error":{"message":"x"}}\n\n', DONE])],
  ])("that %s ends with an error frame and no [DONE]", async (_how, source) => {
    const { text, settled } = await relayed(source);
    expect(text).toMatch(/^data: \{"choices".*\n\ndata: \{"error":/);
    expect(text).not.toContain("[DONE]");
    expect(settled).toMatchObject([{ ended: "broken", tokenFrames: 1 }]);
  });

  it("does not count the frame that only ends an answer as a token", async () => {
    const { settled } = await relayed([token("a"), FINISH]);
    expect(settled[0]?.tokenFrames).toBe(1);
  });

  it("ends the engine's stream as soon as the client is gone, though the engine is silent", async () => {
    const client = new AbortController();
    let cancelled = false;
    let pulls = 0;
    const silent = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode(token("a")));
          client.abort();
          return new Promise(() => {});
        },
        cancel: () => void (cancelled = true),
      },
      { highWaterMark: 0 },
    );
    const { settled } = await relayed(silent, { signal: client.signal });
    expect(cancelled).toBe(true);
    expect(settled).toMatchObject([{ ended: "client-left", tokenFrames: 1 }]);
  });
});

describe("a relayed stream that breaks off", () => {
  const sequel = (chunks: readonly string[], end: "close" | "error" = "close") => ({
    body: streamOf(chunks, end),
    rewrite: (data: string) => (data.includes('"b"') ? data.replace('"b"', '"c"') : data),
    take: undefined,
    correct: undefined,
    told: () => undefined,
  });

  it("goes on with what another engine sends, and is settled once, for that one alone", async () => {
    const broken: Relayed[] = [];
    const { text, settled } = await relayed(streamOf([token("a"), token("a")], "error"), {
      goOn: async (seen) => {
        broken.push({ ...seen });
        return sequel([token("b"), FINISH, USAGE, DONE]);
      },
    });
    expect(text).toBe(token("a") + token("a") + token("c") + FINISH + USAGE + DONE);
    expect(broken).toMatchObject([{ tokenFrames: 2, why: "connection reset" }]);
    expect(settled).toMatchObject([{ ended: "complete", tokenFrames: 1, why: undefined }]);
  });

  it("never passes on an event that was cut", async () => {
    const { text } = await relayed(streamOf([token("a"), token("x").slice(0, 20)], "error"), {
      goOn: async () => sequel([token("b"), DONE]),
    });
    expect(text).toBe(token("a") + token("c") + DONE);
  });

  it("is an error as soon as nobody goes on", async () => {
    const next = [sequel([token("b")], "error"), undefined];
    const { text, settled } = await relayed([token("a")], { goOn: async () => next.shift() });
    expect(text).toBe(`${token("a")}${token("c")}data: {"error":"connection reset"}\n\n`);
    expect(settled).toMatchObject([{ ended: "broken" }]);
  });

  it("does not go on for a client that left", async () => {
    const client = new AbortController();
    let asked = 0;
    const { settled } = await relayed(new ReadableStream({ pull: () => client.abort() }), {
      signal: client.signal,
      goOn: async () => {
        asked += 1;
        return undefined;
      },
    });
    expect(asked).toBe(0);
    expect(settled).toMatchObject([{ ended: "client-left" }]);
  });
});
