import { describe, expect, it } from "vitest";
import { openaiErrors } from "../../../src/apps/errors.ts";
import { anthropicErrors } from "../../../src/apps/messages/errors.ts";
import { failureRenderer } from "../../../src/http/render-failure.ts";
import type { TurnFailure } from "../../../src/turn/outcome.ts";

const render = failureRenderer("req_1", openaiErrors);
const secret = "connect ECONNREFUSED 10.0.0.7:8000";

async function told(failure: TurnFailure) {
  const response = render.failure(failure);
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, retryAfter: response.headers.get("retry-after"), ...error };
}

describe("failureRenderer", () => {
  it.each([
    ["unreachable", 503, "engine_unavailable"],
    ["status", 502, "engine_failed"],
    ["malformed", 502, "engine_failed"],
    ["aborted", 502, "engine_failed"],
  ] as const)("answers %s with %i and tells nothing of the engine", async (kind, status, code) => {
    const error = await told({ kind, message: secret });
    expect(error).toMatchObject({ status, code, type: "server_error", param: null });
    expect(error).not.toHaveProperty("message", expect.stringContaining("10.0.0.7"));
  });

  it("says which placements were full or silent, as those words are our own", async () => {
    expect(await told({ kind: "overloaded", message: "h200: queued" })).toMatchObject({
      status: 503,
      code: "engine_unavailable",
      message: "h200: queued",
    });
    expect(await told({ kind: "stalled", message: "no first token within 5 ms" })).toMatchObject({
      status: 504,
      code: "timeout",
      message: "no first token within 5 ms",
    });
  });

  it("passes a rate limit on, with when to come back in whole seconds", async () => {
    const limited = { kind: "overloaded", status: 429, message: "no", retryAfterMs: 1200 } as const;
    expect(await told(limited)).toMatchObject({
      status: 429,
      code: "rate_limit_exceeded",
      type: "rate_limit_error",
      retryAfter: "2",
    });
  });

  it("tells what no pool can ever take from what none can take now", async () => {
    const never = (...refusedBy: string[]) => told({ kind: "caller", message: "why", refusedBy });
    expect(await never("context-window")).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      param: "messages",
    });
    expect(await never("place", "no-link")).toMatchObject({
      code: "no_placement",
      param: "phaseway-labels",
      message: "why",
    });
    expect(await never("kv-capacity")).toMatchObject({ code: "no_placement", param: null });
  });

  it("says when to come back with every 503 and 429: 1 s where nobody knows", async () => {
    for (const [failure, retryAfter] of [
      [{ kind: "unreachable", message: "" }, "1"],
      [{ kind: "overloaded", message: "" }, "1"],
      [{ kind: "overloaded", message: "", status: 429 }, "1"],
      [{ kind: "overloaded", message: "", retryAfterMs: 0 }, "1"],
      [{ kind: "overloaded", message: "", retryAfterMs: 7001 }, "8"],
      [{ kind: "status", message: "", status: 500 }, null],
      [{ kind: "caller", message: "", status: 400 }, null],
    ] as const) {
      expect(await told(failure)).toMatchObject({ retryAfter });
    }
  });

  it.each([
    ["", "application/json", "status 413."],
    ["{}", "application/json", "status 413."],
    ["null", "application/json", "status 413."],
    ['{"detail":"too\\nlong"}', "application/json", "status 413: too long"],
    ['{"message":"too long","code":400}', "application/json", "status 413: too long"],
    ['{"error":"too long"}', "application/json", "status 413: too long"],
    ['{"error":{"message":"too long"}}', "text/plain", "status 413: too long"],
    ['{"why":[1, 2]}', "application/json", 'status 413: {"why":[1,2]}'],
    ["too\nlong", "text/plain", "status 413: too long"],
    ["<head><title>x</title></head><h1>too</h1>long", "text/html", "status 413: too long"],
    [
      '{"detail":[{"loc":["body","n"],"msg":"not a number"},{"loc":["body"],"msg":"odd","n":1}]}',
      "application/json",
      "status 413: body.n: not a number; body: odd",
    ],
    ["x".repeat(9000), "text/plain", `status 413: ${"x".repeat(500)}…`],
  ])(
    "tells in OpenAI's shape what an engine said in its own: %s",
    async (text, contentType, end) => {
      const body = new TextEncoder().encode(text);
      const failure = { kind: "caller", message: "", status: 413, body, contentType } as const;
      const message = `The engine refused this request with ${end}`;
      const error = {
        message,
        type: "invalid_request_error",
        param: null,
        code: "invalid_request",
      };
      const response = render.failure(failure);
      expect(response.status).toBe(413);
      expect(await response.json()).toEqual({ error });
    },
  );

  it("keeps the bytes and the status of an engine's own refusal", async () => {
    const text = '{ "error" : {"message":"no", "n":9007199254740993123} }';
    const body = new TextEncoder().encode(text);
    const contentType = "application/problem+json";
    const response = render.failure({
      kind: "caller",
      message: "",
      status: 422,
      body,
      contentType,
    });
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe(contentType);
    expect(await response.text()).toBe(text);
  });

  it.each(["status", "unreachable", "malformed", "caller"] as const)(
    "ends a stream that failed by %s with one frame that tells nothing of the engine",
    (kind) => {
      const frame = render.errorFrame({ kind, message: secret });
      expect(frame).toMatch(/^data: \{.*\}\n\n$/);
      expect(JSON.parse(frame.slice(6))).toEqual({
        error: {
          message: expect.not.stringContaining("10.0.0.7"),
          type: expect.any(String),
          param: null,
          code: expect.any(String),
        },
      });
    },
  );

  it("repeats in the stream what an engine said of a request it refused", () => {
    const refusal = (text: string) =>
      JSON.parse(
        render
          .errorFrame({ kind: "caller", message: "", body: new TextEncoder().encode(text) })
          .slice(6),
      );
    const error = { message: "too long", code: "context_length_exceeded" };
    expect(refusal(JSON.stringify({ error }, undefined, 2))).toEqual({ error });
    for (const other of ["<html>", "null", '{"error":"no"}', '{"detail":"no"}']) {
      expect(refusal(other)).toMatchObject({ error: { code: "invalid_request" } });
    }
  });
});

describe("failureRenderer for callers of Messages", () => {
  const messages = failureRenderer("req_1", anthropicErrors);
  const refused = (text: string) => ({
    kind: "caller" as const,
    message: "",
    status: 400,
    body: new TextEncoder().encode(text),
    contentType: "application/json",
  });

  it("tells in Anthropic's shape what an engine said in OpenAI's", async () => {
    const response = messages.failure(refused('{"error":{"message":"too hot","code":"x"}}'));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringMatching(/too hot$/) },
      request_id: "req_1",
    });
  });

  it("says when to come back to engines that are gone", () => {
    const response = messages.failure({ kind: "unreachable", message: secret });
    expect([response.status, response.headers.get("retry-after")]).toEqual([529, "1"]);
  });
});
