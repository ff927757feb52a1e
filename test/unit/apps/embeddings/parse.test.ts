import { describe, expect, it } from "vitest";
import { parseEmbedding } from "../../../../src/apps/embeddings/parse.ts";

const parse = (body: object) => parseEmbedding(new TextEncoder().encode(JSON.stringify(body)));

describe("parseEmbedding", () => {
  it("keeps the client's bytes, and everything in them that only engines read", () => {
    const bytes = new TextEncoder().encode(
      '{"model":"m","input":"hi", "dimensions":8,"encoding_format":"base64","truncate":-1}',
    );
    const parsed = parseEmbedding(bytes);
    expect(parsed.ok && parsed.request.bytes).toBe(bytes);
    expect(parsed).toMatchObject({ ok: true, request: { path: "/v1/embeddings", embeds: true } });
    expect(parsed).not.toHaveProperty("answer");
  });

  it.each([
    ["hi", ["hi"], false],
    [["a", "b"], ["a", "b"], true],
    [[1, 2], [[1, 2]], false],
    [[[1], [2, 3]], [[1], [2, 3]], true],
  ])("reads the inputs of %j", (input, prompts, hasListPrompt) => {
    expect(parse({ model: "m", input })).toMatchObject({
      ok: true,
      request: { prompts, traits: { hasListPrompt } },
    });
  });

  it.each([
    ["input", {}],
    ["input", { input: [] }],
    ["input", { input: { text: "hi" } }],
    ["stream", { input: "hi", stream: true }],
    ["model", { input: "hi", model: "" }],
    ["user", { input: "hi", user: 1 }],
  ])("refuses a wrong `%s` by its name: %j", (param, members) => {
    expect(parse({ model: "m", ...members })).toMatchObject({
      ok: false,
      error: { code: "invalid_request", param },
    });
  });
});
