import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ask, AUTH, createEdge, type Edge } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge({ mesh: { maxBodyBytes: 4096 } });
});
afterAll(() => edge.settled());

const messages = [{ role: "user", content: "hi" }];

async function errorOf(answer: Promise<Response>) {
  const response = await answer;
  const body: { error: Record<string, unknown> } = await response.json();
  return { status: response.status, ...body.error };
}

describe("a body that cannot be taken", () => {
  it.each([
    ["", "invalid_json"],
    ["{", "invalid_json"],
    ["model=small", "invalid_json"],
    ['\ufeff{"model":"small"}', "invalid_json"],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), "invalid_json"],
    ["[]", "invalid_request"],
    ["null", "invalid_request"],
    ['"hello"', "invalid_request"],
    ["7", "invalid_request"],
  ])("such as %j is a 400 in OpenAI's shape", async (body, code) => {
    expect(await errorOf(edge.chat(body))).toEqual({
      status: 400,
      message: expect.any(String),
      type: "invalid_request_error",
      param: null,
      code,
    });
  });

  it.each([
    ["model", { model: 7 }],
    ["model", { model: "" }],
    ["messages", { messages: "hi" }],
    ["messages", { messages: [] }],
    ["messages.0", { messages: ["hi"] }],
    ["messages.1.role", { messages: [...messages, { role: 1 }] }],
    ["stream", { stream: "true" }],
    ["stream_options", { stream_options: true }],
    ["stream_options.include_usage", { stream_options: { include_usage: 1 } }],
    ["tools", { tools: {} }],
    ["max_tokens", { max_tokens: "5" }],
    ["max_completion_tokens", { max_completion_tokens: -1 }],
    ["n", { n: 0 }],
    ["user", { user: {} }],
    ["metadata", { metadata: "x" }],
    ["metadata.user_id", { metadata: { user_id: 1 } }],
    ["prompt_cache_key", { prompt_cache_key: 1 }],
    ["service_tier", { service_tier: 1 }],
  ])("because of `%s` names it: %j", async (param, members) => {
    const error = await errorOf(edge.chat(ask(members)));
    expect(error).toMatchObject({ status: 400, code: "invalid_request", param });
    expect(error).toHaveProperty("message", expect.stringContaining(param));
  });

  it("names the model it does not know and those there are", async () => {
    const error = await errorOf(edge.chat(ask({ model: "gpt-99" })));
    expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    expect(error).toHaveProperty("message", expect.stringMatching(/gpt-99.*small/));
  });

  it("names the labels there are", async () => {
    const error = await errorOf(edge.chat(ask(), { "phaseway-labels": "urgency=soon" }));
    expect(error).toMatchObject({ status: 400, code: "invalid_label", param: "phaseway-labels" });
    expect(error).toHaveProperty("message", expect.stringMatching(/interactive.*batch/));
  });

  it("is no bug of ours when its sender leaves in the middle", async () => {
    const logged = vi.spyOn(console, "error");
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"model":')),
      pull: (controller) => controller.error(new TypeError("Network connection lost.")),
    });
    const init = { method: "POST", headers: AUTH, body };
    const error = await errorOf(edge.call("/v1/chat/completions", init));
    expect(error).toMatchObject({ status: 400, code: "invalid_json" });
    expect(logged).not.toHaveBeenCalled();
    logged.mockRestore();
  });

  it("is a 413 when it is too large, whether its length is declared or not", async () => {
    const large = JSON.stringify(ask({ user: "x".repeat(5000) }));
    const undeclared = new Response(large).body;
    const bodies = [large, undeclared].map((body) =>
      edge.call("/v1/chat/completions", { method: "POST", headers: AUTH, body }),
    );
    for (const body of bodies) {
      expect(await errorOf(body)).toMatchObject({ status: 413, code: "body_too_large" });
    }
  });

  it("reaches no engine", () => {
    expect(edge.engine.sent).toEqual([]);
  });
});

describe("a body that is odd but whole", () => {
  it.each(["application/json", "text/plain", "application/x-www-form-urlencoded", ""])(
    "is taken with content type `%s`",
    async (type) => {
      const answer = await edge.chat(ask(), { "content-type": type });
      expect(answer.status).toBe(200);
    },
  );

  it("counts the last of doubled members, as JSON parsers do, and sends one model on", async () => {
    edge.engine.forget();
    const answer = await edge.chat(
      '{"model":"nobody","model":"small","messages":[{"role":"user","content":"hi"}],"n":2,"n":1}',
    );
    expect(answer.status).toBe(200);
    const body = new TextDecoder().decode(edge.engine.sent[0]?.body);
    expect(body.match(/"model"/g)).toHaveLength(1);
    expect(edge.engine.sent[0]?.json).toMatchObject({ model: "llama-8b", n: 1 });
  });

  it("may hold members named as JavaScript's own", async () => {
    const answer = await edge.chat(
      '{"__proto__":{"stream":true},"constructor":1,"model":"small","messages":[{"role":"user","content":"hi"}]}',
    );
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.status).toBe(200);
  });

  it("is urgent as its service tier, or else its labels, say", async () => {
    const urgency = async (members: object, headers: Record<string, string> = {}) => {
      const answer = await edge.chat(ask({ ...members }), headers);
      return /urgency="(\w+)"/.exec(answer.headers.get("phaseway-labels") ?? "")?.[1];
    };
    expect(await urgency({})).toBe("interactive");
    expect(await urgency({ service_tier: "auto" })).toBe("interactive");
    expect(await urgency({ service_tier: "priority" })).toBe("interactive");
    expect(await urgency({ service_tier: "flex" })).toBe("batch");
    expect(await urgency({}, { "phaseway-labels": "urgency=batch" })).toBe("batch");
    expect(
      await urgency({ service_tier: "flex" }, { "phaseway-labels": "urgency=interactive" }),
    ).toBe("interactive");
  });
});
