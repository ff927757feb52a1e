import { describe, expect, it } from "vitest";
import { parseChat } from "../../../src/apps/chat/parse.ts";

const messages = [{ role: "user", content: "hi" }];
const parse = (body: unknown) =>
  parseChat(new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)));

function requestOf(body: object) {
  const parsed = parse({ model: "tiny", messages, ...body });
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.request;
}

function errorOf(body: unknown) {
  const parsed = parse(body);
  if (parsed.ok) throw new Error("it was taken");
  return parsed.error;
}

describe("parseChat", () => {
  it("reads the least a request can be", () => {
    const request = requestOf({});
    expect(request).toMatchObject({ model: "tiny", stream: false, includeUsage: false, messages });
    expect(request.traits).toEqual({
      n: 1,
      hasBestOf: false,
      hasBeamSearch: false,
      hasLogprobs: false,
      hasPromptLogprobs: false,
      hasEcho: false,
      hasListPrompt: false,
    });
    expect(request).not.toHaveProperty("tools");
  });

  it("keeps the client's bytes", () => {
    const bytes = new TextEncoder().encode(
      ' {"model":"tiny", "seed": 18446744073709551615, "messages":[{"role":"user"}]}\n',
    );
    const parsed = parseChat(bytes);
    expect(parsed.ok && parsed.request.bytes).toBe(bytes);
  });

  it("reads what routing needs", () => {
    const request = requestOf({
      stream: true,
      stream_options: { include_usage: true },
      tools: [{ type: "function" }],
      user: "u",
      prompt_cache_key: "k",
      cache_salt: "s",
      service_tier: "flex",
      metadata: { user_id: "m" },
      max_tokens: 5,
      max_completion_tokens: 7,
      chat_template_kwargs: { thinking: true },
      n: 2,
    });
    expect(request).toMatchObject({
      stream: true,
      includeUsage: true,
      user: "u",
      promptCacheKey: "k",
      cacheSalt: "s",
      serviceTier: "flex",
      metadataUserId: "m",
      maxTokens: 7,
      templateKnobs: { chat_template_kwargs: { thinking: true } },
      traits: { n: 2 },
    });
  });

  it("reads a conversation by its id, given either way", () => {
    expect(requestOf({ conversation: "c" }).conversation).toBe("c");
    expect(requestOf({ conversation: { id: "c", x: 1 } }).conversation).toBe("c");
    expect(errorOf({ model: "tiny", messages, conversation: 1 })).toMatchObject({
      param: "conversation",
    });
  });

  it("takes service tiers that only an engine knows", () => {
    expect(requestOf({ service_tier: "on_demand" }).serviceTier).toBe("on_demand");
  });

  it("takes null for absent and members it does not know", () => {
    expect(
      requestOf({ tools: null, stream: null, n: null, user: null, guided_json: {} }).stream,
    ).toBe(false);
  });

  it.each(["", "{", "[1", '{"model":"tiny","messages":[}', "\ufeff{}"])(
    "says that `%s` is not JSON",
    (text) => {
      expect(errorOf(text)).toMatchObject({ status: 400, code: "invalid_json" });
    },
  );

  it("refuses bytes that are not UTF-8", () => {
    const parsed = parseChat(Uint8Array.of(0x22, 0xff, 0x22));
    expect(parsed).toMatchObject({ ok: false, error: { code: "invalid_json" } });
  });

  it("refuses bodies nested too deep to be walked", () => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    expect(
      errorOf(`{"model":"tiny","messages":[{"role":"user","content":${deep}}]}`),
    ).toMatchObject({ status: 400 });
  });

  it.each([
    [{ messages }, "model"],
    [{ model: "tiny" }, "messages"],
    [{ model: "tiny", messages: [] }, "messages"],
    [{ model: "tiny", messages: [{ content: "hi" }] }, "messages.0.role"],
    [{ model: "tiny", messages, stream: "yes" }, "stream"],
    [{ model: "tiny", messages, max_tokens: 0 }, "max_tokens"],
    [{ model: "tiny", messages, n: 1.5 }, "n"],
  ])("says which member of %j is wrong", (body, param) => {
    expect(errorOf(body)).toMatchObject({ status: 400, code: "invalid_request", param });
  });

  it.each(["[]", "null", '"x"'])("refuses %s, which is no object", (text) => {
    expect(errorOf(text)).toMatchObject({ status: 400, code: "invalid_request", param: null });
  });
});
