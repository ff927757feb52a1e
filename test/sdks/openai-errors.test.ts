import OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { openaiAt } from "./openai-client.ts";

const started = useMesh({ turnSettings: { idleTimeoutMs: 300 } });
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const messages = [{ role: "user" as const, content: "Where did you run?" }];

/** What the SDK throws for a request with these members. */
async function thrown(members: object, from = client, headers: Record<string, string> = {}) {
  const request = { model: "small", messages, max_tokens: 8, ...members };
  const error: unknown = await from.chat.completions.create(request, { headers }).catch((e) => e);
  if (!(error instanceof OpenAI.APIError)) throw new Error(`no API error: ${String(error)}`);
  expect(error.requestID).toMatch(/^req_/);
  return error;
}

describe.each([false, true])("the SDK throws its own errors, streamed: %s", (stream) => {
  it("for a wrong key", async () => {
    const error = await thrown({ stream }, client.withOptions({ apiKey: "sk-wrong" }));
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: "invalid_api_key" });
  });

  it("for a model that is not there", async () => {
    const error = await thrown({ stream, model: "gpt-99" });
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  });

  it("for a member of a wrong type", async () => {
    const error = await thrown({ stream, max_tokens: "many" });
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({
      status: 400,
      code: "invalid_request",
      param: "max_tokens",
      type: "invalid_request_error",
    });
  });

  it.each([
    ["far over the window, by our count", 900_000],
    ["a little over the window, by the engine's", 545_000],
  ])("for a prompt that is %s", async (_what, characters) => {
    const content = "abcd".repeat(characters / 4);
    const error = await thrown({ stream, model: "large", messages: [{ role: "user", content }] });
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: "context_length_exceeded" });
  });

  it("for a place where the model is not", async () => {
    const error = await thrown({ stream }, client, { "phaseway-labels": "place=atlantis" });
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ code: "no_placement", param: "phaseway-labels" });
  });
});

describe("when every engine of a model", () => {
  const fault = async (kind: string, more: Record<string, number> = {}) => {
    const engines = new Engines(started.mesh, engineNames());
    await Promise.all(engines.names.map((engine) => engines.fault(engine, kind, more)));
  };

  it("has too much to do, the SDK throws a rate limit with when to come back", async () => {
    await fault("429", { retryAfterS: 3 });
    const error = await thrown({ model: "large" });
    await fault("none");
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect(error.headers?.get("retry-after")).toBe("3");
  });

  it("fails, the SDK throws a server error that it would retry", async () => {
    await fault("status", { status: 500 });
    const error = await thrown({ model: "small" });
    await fault("none");
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status: 502, code: "engine_failed" });
  });

  it("falls silent, the SDK throws in the middle of the stream", async () => {
    await fault("stall-midstream");
    const stream = await client.chat.completions.create({
      model: "small",
      messages,
      max_tokens: 200,
      stream: true,
    });
    let chunks = 0;
    const reading = (async () => {
      for await (const _chunk of stream) chunks += 1;
    })();
    await expect(reading).rejects.toMatchObject({ code: "engine_failed" });
    await fault("none");
    expect(chunks).toBeGreaterThan(0);
  });
});
