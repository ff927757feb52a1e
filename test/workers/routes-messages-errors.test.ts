import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { seenMessage } from "../support/message-events.ts";
import { AUTH, createEdge, type Edge, type EdgeOptions } from "./edge.ts";
import { HELLO, streamOf, USAGE } from "./fake-engine.ts";
import { jsonOf, postMessages } from "./post-messages.ts";

let edge: Edge;
const edges: Edge[] = [];

// A new one for each: what an engine did to one test must not keep the next from asking it.
const begin = async (options: EdgeOptions = {}) => {
  edge = await createEdge(options);
  edges.push(edge);
};
beforeEach(() => begin());
afterAll(() => Promise.all(edges.map((one) => one.settled())));

const post = (members: object | string = {}, headers: Record<string, string> = AUTH) =>
  postMessages(edge, members, headers);

describe("errors of Messages have Anthropic's shape", () => {
  const told = async (answer: Response) => {
    expect(answer.headers.get("request-id")).toMatch(/^req_/);
    const body = await jsonOf(answer);
    expect(body["request_id"]).toBe(answer.headers.get("request-id"));
    const { type, details } = body["error"] as { type: string; details: object };
    return { status: answer.status, type, ...details };
  };

  it.each<[string, () => Promise<Response>, object]>([
    ["no key", () => post({}, {}), { status: 401, type: "authentication_error" }],
    [
      "a wrong key",
      () => post({}, { "x-api-key": "sk-wrong" }),
      { status: 401, error_code: "invalid_api_key" },
    ],
    ["no JSON", () => post("{"), { status: 400, error_code: "invalid_json" }],
    [
      "an unknown member",
      () => post({ mood: "good" }),
      { status: 400, type: "invalid_request_error", param: "mood" },
    ],
    ["an unknown model", () => post({ model: "gpt-99" }), { status: 404, type: "not_found_error" }],
    [
      "a wrong label",
      () => post({}, { ...AUTH, "phaseway-labels": "urgency=never" }),
      { status: 400, error_code: "invalid_label" },
    ],
    [
      "another method",
      () => edge.call("/v1/messages"),
      { status: 405, type: "invalid_request_error" },
    ],
    [
      "what is not there",
      () => edge.call("/v1/messages/batches"),
      { status: 404, type: "not_found_error" },
    ],
    [
      "a prompt that is too long",
      () => post({ model: "large", messages: [{ role: "user", content: "word ".repeat(4000) }] }),
      { status: 400, error_code: "context_length_exceeded" },
    ],
  ])("for %s", async (_what, asked, error) => {
    expect(await told(await asked())).toMatchObject(error);
  });

  it.each([
    ["all fail", false, 500, { status: 502, type: "api_error" }, null],
    ["all fail", true, 500, { status: 502, type: "api_error" }, null],
    ["have too much to do", false, 429, { status: 429, type: "rate_limit_error" }, "7"],
    ["have too much to do", true, 429, { status: 429, type: "rate_limit_error" }, "7"],
  ])("for engines that %s, streamed: %s", async (_what, stream, status, error, retryAfter) => {
    const headers = { ...(retryAfter && { "retry-after": retryAfter }) };
    edge.engine.answers(() => new Response("{}", { status, headers }));
    const answer = await post({ stream });
    expect(await told(answer)).toMatchObject(error);
    expect(answer.headers.get("retry-after")).toBe(retryAfter);
  });

  it("for engines that are all gone, with when to come back", async () => {
    edge.engine.answers(() => {
      throw new TypeError("gone");
    });
    const answer = await post();
    expect(await told(answer)).toMatchObject({ status: 529, type: "overloaded_error" });
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  it("for an engine's refusal, in its words", async () => {
    const error = { message: "`temperature` is too hot", type: "BadRequestError", code: 400 };
    edge.engine.answers(() => Response.json({ error }, { status: 400 }));
    const answer = await post({ temperature: 99 });
    expect(answer.status).toBe(400);
    expect(await jsonOf(answer)).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining(error.message) },
    });
  });

  it("for an engine that finds the prompt too long", async () => {
    const error = { message: "9 tokens, 8 fit", code: "context_length_exceeded" };
    edge.engine.answers(() => Response.json({ error }, { status: 400 }));
    expect(await jsonOf(await post())).toMatchObject({
      error: { message: expect.stringMatching(/^prompt is too long: .*9 tokens, 8 fit/) },
    });
  });

  it("in the middle of a stream, which then ends", async () => {
    edge.engine.answers(() => streamOf([...HELLO.slice(0, 2), '{"error":{"message":"died"}}']));
    const seen = seenMessage(await (await post({ stream: true })).text());
    expect(seen.types.slice(0, 3)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
    ]);
    expect(seen.error).toMatchObject({
      type: "api_error",
      details: { error_code: "engine_failed" },
    });
  });

  it("after a ping as well", async () => {
    await begin({ turnSettings: { keepAliveMs: 20 } });
    let refuse = () => {};
    const silence = new Promise<void>((resolve) => {
      refuse = resolve;
    });
    edge.engine.answers(async () => {
      await silence;
      return new Response("{}", { status: 429 });
    });
    const answer = await post({ stream: true });
    expect(answer.status).toBe(200);
    refuse();
    const seen = seenMessage(await answer.text());
    expect(seen.error).toMatchObject({ type: "rate_limit_error" });
    expect(seen.pings).toBeGreaterThan(0);
  });

  it("for an answer that is none", async () => {
    const message = { tool_calls: [{ id: "a", function: { name: "f", arguments: "{oops" } }] };
    const choices = [{ index: 0, message, finish_reason: "tool_calls" }];
    edge.engine.answers(() => Response.json({ choices, usage: USAGE }));
    expect(await told(await post())).toMatchObject({ status: 502, error_code: "engine_failed" });
  });
});
