import { describe, expect, it } from "vitest";
import { withCachedTokens } from "../../../src/core/chat-frames.ts";
import { frameData } from "../../../src/core/sse.ts";
import { correctFrame } from "../../../src/turn/cached-figure.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const corrected = (frame: string) =>
  correctFrame(encode(frame), async (json) => withCachedTokens(json, 3));

describe("a frame whose usage is corrected", () => {
  it("stays one event when its data is on several lines", async () => {
    const frame = 'data: {"usage":{"prompt_tokens":9,\ndata: "completion_tokens":1}}\n\n';
    expect(JSON.parse(frameData(await corrected(frame)) ?? "")).toEqual({
      usage: {
        prompt_tokens: 9,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 3 },
      },
    });
  });

  it("keeps its other fields", async () => {
    const frame = 'id: 7\nevent: x\ndata: {"usage":{"prompt_tokens":9,"completion_tokens":1}}\n\n';
    expect(new TextDecoder().decode(await corrected(frame))).toMatch(/^id: 7\nevent: x\ndata: \{/);
  });

  it("is left as it came when it has none", async () => {
    const frame = encode("data: {broken\n\n");
    expect(await correctFrame(frame, () => Promise.reject(new Error("asked")))).toBe(frame);
  });
});
