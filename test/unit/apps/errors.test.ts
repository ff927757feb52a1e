import { describe, expect, it } from "vitest";
import { apiError, openaiError } from "../../../src/apps/errors.ts";

describe("openaiError", () => {
  it("has OpenAI's shape, a status and the request's id", async () => {
    const response = openaiError(apiError("model_not_found", "No such model.", "model"), "req_1");
    expect(response.status).toBe(404);
    expect(response.headers.get("x-request-id")).toBe("req_1");
    expect(await response.json()).toEqual({
      error: {
        message: "No such model.",
        type: "invalid_request_error",
        param: "model",
        code: "model_not_found",
      },
    });
  });

  it("has a null param where no member is meant", async () => {
    const response = openaiError(apiError("engine_unavailable", "Later."), "req_1");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { param: null, type: "server_error" } });
  });

  it.each([
    ["invalid_json", 400],
    ["invalid_request", 400],
    ["invalid_label", 400],
    ["invalid_api_key", 401],
    ["not_found", 404],
    ["method_not_allowed", 405],
    ["body_too_large", 413],
    ["rate_limit_exceeded", 429],
    ["engine_failed", 502],
    ["timeout", 504],
  ] as const)("answers %s with %i", (code, status) => {
    expect(apiError(code, "").status).toBe(status);
  });
});
