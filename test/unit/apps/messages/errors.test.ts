import { describe, expect, it } from "vitest";
import { apiError } from "../../../../src/apps/errors.ts";
import { anthropicErrors } from "../../../../src/apps/messages/errors.ts";

describe("an error of Messages", () => {
  it("has Anthropic's shape, our code in its details, and the request's id", async () => {
    const error = apiError("invalid_request", "No.", "tools.0.type");
    const response = anthropicErrors.respond(error, "req_1");
    expect(response.status).toBe(400);
    expect(response.headers.get("request-id")).toBe("req_1");
    expect(await response.json()).toEqual({
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "No.",
        details: { error_code: "invalid_request", param: "tools.0.type" },
      },
      request_id: "req_1",
    });
  });

  it.each([
    ["invalid_json", 400, "invalid_request_error"],
    ["invalid_api_key", 401, "authentication_error"],
    ["model_not_found", 404, "not_found_error"],
    ["body_too_large", 413, "request_too_large"],
    ["rate_limit_exceeded", 429, "rate_limit_error"],
    ["internal_error", 500, "api_error"],
    ["engine_failed", 502, "api_error"],
    ["timeout", 504, "timeout_error"],
    ["engine_unavailable", 529, "overloaded_error"],
  ] as const)("for %s is a %i %s", async (code, status, type) => {
    const response = anthropicErrors.respond(apiError(code, ""), "req_1");
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type } });
  });

  it("says of a prompt that it is too long in words that clients look for", async () => {
    const error = apiError("context_length_exceeded", "5 tokens, 4 fit.");
    expect(await anthropicErrors.respond(error, "req_1").json()).toMatchObject({
      error: { type: "invalid_request_error", message: "prompt is too long: 5 tokens, 4 fit." },
    });
  });
});
