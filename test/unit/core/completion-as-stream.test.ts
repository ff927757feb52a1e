import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  collectAnswer,
  isContentFrame,
  isUsageOnly,
  readChunkUsage,
} from "../../../src/core/chat-frames.ts";
import { completionAsStream } from "../../../src/core/completion-as-stream.ts";
import { createSseFramer, frameData } from "../../../src/core/sse.ts";

/** The data of every event of the stream that a whole answer becomes. */
function framesOf(answer: string): string[] {
  const bytes = completionAsStream(new TextEncoder().encode(answer));
  const framer = createSseFramer();
  const frames = framer.push(bytes).map((frame) => frameData(frame) ?? "");
  expect(framer.rest()).toHaveLength(0);
  return frames;
}

const CHAT = {
  id: "x",
  object: "chat.completion",
  created: 7,
  choices: [
    { index: 0, message: { role: "assistant", content: "yes" }, finish_reason: "stop" },
    { index: 1, message: { role: "assistant", content: "no" }, finish_reason: "length" },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 2 },
};

describe("a whole chat answer as a stream", () => {
  it("says all of it, then its usage, then that it is done", () => {
    const [said = "", counted = "", ...rest] = framesOf(JSON.stringify(CHAT));
    expect(JSON.parse(said)).toEqual({
      id: "x",
      object: "chat.completion.chunk",
      created: 7,
      choices: [
        { index: 0, delta: { role: "assistant", content: "yes" }, finish_reason: "stop" },
        { index: 1, delta: { role: "assistant", content: "no" }, finish_reason: "length" },
      ],
    });
    expect(isContentFrame(said)).toBe(true);
    expect(isUsageOnly(counted)).toBe(true);
    expect(readChunkUsage(counted)).toEqual({ promptTokens: 9, outputTokens: 2 });
    expect(JSON.parse(counted)).toMatchObject({ id: "x", object: "chat.completion.chunk" });
    expect(rest).toEqual(["[DONE]"]);
  });

  it("has no usage where the answer has none", () => {
    for (const usage of [undefined, null])
      expect(framesOf(JSON.stringify({ ...CHAT, usage }))).toHaveLength(2);
  });

  it("gives each tool call its place, unless it says its own", () => {
    const call = (id: string) => ({
      id,
      type: "function",
      function: { name: "f", arguments: "{}" },
    });
    const message = { content: null, tool_calls: [call("a"), { index: 5, ...call("b") }] };
    const [said = ""] = framesOf(JSON.stringify({ choices: [{ index: 0, message }] }));
    const sent = JSON.parse(said) as { choices: { delta: { tool_calls: unknown } }[] };
    expect(sent.choices[0]?.delta.tool_calls).toEqual([
      { ...call("a"), index: 0 },
      { index: 5, ...call("b") },
    ]);
    const collected = collectAnswer();
    collected.add(said);
    expect(collected.answer()).toEqual({ content: "", tool_calls: [{ id: "a" }, { id: "b" }] });
  });

  it("says nothing where there is no message", () => {
    const [said = ""] = framesOf('{"choices":[{"index":0,"message":null,"finish_reason":"stop"}]}');
    expect(JSON.parse(said)).toMatchObject({ choices: [{ delta: {}, finish_reason: "stop" }] });
  });

  it("keeps every number and unknown member as the engine wrote it", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.json(), (big, other) => {
        const answer = `{"seed":${big},"choices":[{"token_ids":[${big},1.0],"x":${other},"message":{"content":"a","y":${big}}}],"usage":{"z":${big},"prompt_tokens":1,"completion_tokens":1}}`;
        const [said, counted] = framesOf(answer);
        expect(said).toBe(
          `{"seed":${big},"choices":[{"token_ids":[${big},1.0],"x":${other},"delta":{"content":"a","y":${big}}}],"object":"chat.completion.chunk"}`,
        );
        expect(counted).toContain(`"usage":{"z":${big},"prompt_tokens":1,"completion_tokens":1}`);
      }),
    );
  });

  it.each([" ", "  ", "\t"])(
    "fits into events however the engine lays its JSON out: %j",
    (indent) => {
      const content = 'two\nlines\r\nand a quote "';
      const answer = {
        ...CHAT,
        choices: [{ index: 0, message: { content }, finish_reason: "stop" }],
      };
      const text = JSON.stringify(answer, null, indent);
      for (const laidOut of [text, text.replaceAll("\n", "\r\n")]) {
        const [said = "", , done] = framesOf(laidOut);
        const sent = JSON.parse(said) as { choices: { delta: unknown }[] };
        expect(sent.choices[0]?.delta).toEqual({ content });
        expect(done).toBe("[DONE]");
      }
    },
  );
});

it("a whole text answer as a stream stays text", () => {
  const choices = [{ index: 0, text: "yes", finish_reason: "stop" }];
  const [said = ""] = framesOf(JSON.stringify({ object: "text_completion", choices }));
  expect(JSON.parse(said)).toEqual({ object: "text_completion", choices });
  expect(isContentFrame(said)).toBe(true);
});

it.each(["", "[]", "{}", '{"choices":null}', '{"choices":[{"message":{"tool_calls":[1]}}]}'])(
  "%j is no answer that could be streamed",
  (answer) => {
    expect(() => completionAsStream(new TextEncoder().encode(answer))).toThrow(SyntaxError);
  },
);
