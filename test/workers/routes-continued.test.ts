import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { seenMessage } from "../support/message-events.ts";
import { ask, AUTH, createEdge, type Edge, type EdgeOptions } from "./edge.ts";
import { chunkOf, streamOf, usageChunk } from "./fake-engine.ts";
import { postMessages } from "./post-messages.ts";
import { testMesh } from "./test-mesh.ts";

let edge: Edge;
const edges: Edge[] = [];

// A new one for each: what an engine did to one test must not keep the next from asking it.
const begin = async (turnSettings: EdgeOptions["turnSettings"] = {}) => {
  // Region objects know the engines of `testMesh` alone.
  edge = await createEdge({ env: { MESH: continuing() }, regions: false, turnSettings });
  edges.push(edge);
};
beforeEach(() => begin());
afterAll(() => Promise.all(edges.map((one) => one.settled())));

/** The same pools, whose engines know `continue_final_message`, and six engines in each. */
function continuing() {
  const pools = Object.entries(testMesh.pools).map(([id, pool]) => {
    const engines = Array.from({ length: 6 }, (_, number) => ({
      id: String(number),
      url: `https://${id}.engines.internal/${number}`,
    }));
    return [id, { ...pool, engines, continues: true }] as const;
  });
  return { ...testMesh, pools: Object.fromEntries(pools) as unknown as typeof testMesh.pools };
}

const BEGUN = [
  chunkOf({ role: "assistant", content: "" }),
  chunkOf({ content: "one" }),
  chunkOf({ content: " two " }),
];
/** What it found cached says nothing of what the first engine had found. */
const SEQUEL_USAGE = {
  prompt_tokens: 22,
  completion_tokens: 2,
  total_tokens: 24,
  prompt_tokens_details: { cached_tokens: 4 },
};
/** Under names of its own, and with the white space that a template cut off. */
const SEQUEL = [
  chunkOf({ role: "assistant", content: "" }),
  chunkOf({ content: " three" }),
  chunkOf({}, "stop"),
  usageChunk(SEQUEL_USAGE),
].map((data) => data.replace("chatcmpl-1", "chatcmpl-2").replace('"created":1', '"created":2'));

/** The engine asked first is lost after that; the next one goes on. */
function losesTheFirst(begun: readonly string[] = BEGUN): void {
  edge.engine.answers(() =>
    streamOf(edge.engine.sent.length === 1 ? begun : [...SEQUEL, "[DONE]"]),
  );
}

const streamed = (members: object = {}) =>
  edge.chat(ask({ stream: true, stream_options: { include_usage: true }, ...members }));

async function receiptOf(answer: Response): Promise<Receipt> {
  await edge.settled();
  const id = answer.headers.get("phaseway-receipt") ?? "";
  return (await edge.call(`/v1/receipts/${id}`, { headers: AUTH })).json();
}

describe("an answer whose engine is lost in the middle", () => {
  it("goes on at another engine as one stream, and its usage is of both", async () => {
    losesTheFirst();
    const text = await (await streamed()).text();
    expect(text).toBe(
      [
        ...BEGUN,
        chunkOf({ content: "three" }),
        chunkOf({}, "stop"),
        usageChunk({ prompt_tokens: 21, completion_tokens: 3, total_tokens: 24 }),
        "[DONE]",
      ]
        .map((data) => `data: ${data}\n\n`)
        .join(""),
    );
  });

  it("is asked for with what was delivered as the beginning, and with fewer tokens", async () => {
    losesTheFirst();
    await (await streamed({ max_tokens: 9, min_tokens: 4 })).text();
    const [first, second] = edge.engine.sent;
    expect(second?.url).not.toBe(first?.url);
    expect(second?.json).toEqual({
      ...first?.json,
      messages: [...ask().messages, { role: "assistant", content: "one two" }],
      max_tokens: 8,
      min_tokens: 3,
      continue_final_message: true,
      add_generation_prompt: false,
    });
    expect(second?.headers.get("x-request-id")).not.toBe(first?.headers.get("x-request-id"));
  });

  it.each([
    [0, "greedy"],
    [0.7, "sampled-anew"],
  ] as const)(
    "has both engines in its receipt: temperature %d is %s",
    async (temperature, sequel) => {
      losesTheFirst();
      const answer = await streamed({ temperature });
      await answer.text();
      const { status, segments, work, waste, outputTokens, promptTokens } = await receiptOf(answer);
      expect({ status, outputTokens, promptTokens }).toEqual({
        status: "completed",
        outputTokens: 3,
        promptTokens: 21,
      });
      const [lost, next] = work;
      expect([lost?.outcome, lost?.outputTokens]).toEqual(["failed", 2]);
      expect([next?.outcome, next?.outputTokens]).toEqual(["served", 2]);
      expect(waste).toMatchObject({ legs: 1, outputTokens: 1 });
      expect(segments.filter(({ phase }) => phase === "decode")).toMatchObject([
        { from: 0, to: 1, engine: lost?.engine },
        {
          from: 1,
          to: 3,
          engine: next?.engine,
          sequel,
          reason: expect.stringContaining(lost?.engine ?? "?"),
        },
      ]);
    },
  );

  it("goes on in a stream of Messages as well", async () => {
    losesTheFirst();
    const text = await (await postMessages(edge, { stream: true })).text();
    const seen = seenMessage(text);
    expect(seen.error).toBeUndefined();
    expect(text).toContain('"output_tokens":3');
    expect(text.match(/event: message_start/g)).toHaveLength(1);
    expect(edge.engine.sent).toHaveLength(2);
  });

  it("goes on when its engine falls silent, with comments while the next one says nothing yet", async () => {
    await begin({ idleTimeoutMs: 50, keepAliveMs: 20 });
    let speak = () => {};
    const silence = new Promise<void>((resolve) => {
      speak = resolve;
    });
    edge.engine.answers(async () => {
      if (edge.engine.sent.length === 1) return silentAfter(BEGUN);
      await silence;
      return streamOf([...SEQUEL, "[DONE]"]);
    });
    let text = "";
    for await (const bytes of (await streamed()).body ?? []) {
      text += new TextDecoder().decode(bytes);
      if (text.includes(" two ") && text.includes(": keep-alive")) speak();
    }
    expect(text.replaceAll(": keep-alive\n\n", "")).toContain(
      `data: ${BEGUN[2]}\n\ndata: ${chunkOf({ content: "three" })}\n\n`,
    );
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  it("is an error once it has broken off four times, each time at another engine", async () => {
    edge.engine.answers(() => streamOf(edge.engine.sent.length === 1 ? BEGUN : SEQUEL.slice(0, 2)));
    const text = await (await streamed()).text();
    expect(text).toContain('"code":"engine_failed"');
    expect(text).not.toContain("[DONE]");
    expect(new Set(edge.engine.sent.map(({ url }) => url)).size).toBe(4);
    expect(edge.engine.sent).toHaveLength(4);
    expect(text.match(/three/g)).toHaveLength(3);
  });

  it("is an error where nobody else is there to go on", async () => {
    edge = await createEdge();
    edges.push(edge);
    losesTheFirst();
    const text = await (await streamed({ model: "large" })).text();
    expect(text).toContain('"code":"engine_failed"');
    expect(edge.engine.sent).toHaveLength(1);
  });

  it.each<[string, object, readonly string[]]>([
    ["a tool call", {}, [...BEGUN, chunkOf({ tool_calls: [{ index: 0, id: "a" }] })]],
    ["reasoning", {}, [chunkOf({ reasoning_content: "hm" }), chunkOf({ content: "one" })]],
    ["reasoning in its text", {}, [chunkOf({ content: "<think>hm" })]],
    ["its end", {}, [...BEGUN, chunkOf({}, "stop")]],
    ["one of two answers", { n: 2 }, BEGUN],
    ["log probabilities", { logprobs: true }, BEGUN],
    ["a grammar", { response_format: { type: "json_object" } }, BEGUN],
    ["a text that its caller began", { messages: [{ role: "assistant", content: "ze" }] }, BEGUN],
  ])("is an error after %s", async (_, members, begun) => {
    losesTheFirst(begun);
    const text = await (await streamed(members)).text();
    expect(text).toContain('"code":"engine_failed"');
    expect(text).not.toContain("[DONE]");
    expect(edge.engine.sent).toHaveLength(1);
  });
});

/** Says that, and then nothing more until it is cut. */
function silentAfter(frames: readonly string[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) =>
      controller.enqueue(
        new TextEncoder().encode(frames.map((data) => `data: ${data}\n\n`).join("")),
      ),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
