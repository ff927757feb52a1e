import Anthropic from "@anthropic-ai/sdk";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { anthropicAt, message } from "./anthropic-client.ts";

const started = useMesh({ turnSettings: { idleTimeoutMs: 300 } });
let client: Anthropic;

beforeAll(() => {
  client = anthropicAt(started.mesh);
});

const question = {
  model: "small",
  max_tokens: 8,
  messages: [{ role: "user" as const, content: "Where did you run?" }],
};

/** What the SDK throws for a request with these members. */
async function thrown(members: object, stream: boolean, from = client) {
  const error: unknown = await message(from, { ...question, ...members }, stream).catch((e) => e);
  if (!(error instanceof Anthropic.APIError)) throw new Error(`no API error: ${String(error)}`);
  expect(error.requestID).toMatch(/^req_/);
  return error;
}

describe.each([false, true])("the SDK throws its own errors, streamed: %s", (stream) => {
  it("for a wrong key", async () => {
    const error = await thrown({}, stream, client.withOptions({ apiKey: "sk-wrong" }));
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(error).toMatchObject({ status: 401, type: "authentication_error" });
  });

  it("for a model that is not there", async () => {
    const error = await thrown({ model: "claude-99" }, stream);
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error).toMatchObject({ errorCode: "model_not_found", type: "not_found_error" });
  });

  it("for a member that cannot be served, by its name", async () => {
    const error = await thrown({ container: "box" }, stream);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error).toMatchObject({ type: "invalid_request_error", details: { param: "container" } });
  });

  it.each([
    ["far over the window, by our count", 900_000],
    ["a little over the window, by the engine's", 545_000],
  ])("for a prompt that is %s", async (_what, characters) => {
    const content = "abcd".repeat(characters / 4);
    const error = await thrown({ model: "large", messages: [{ role: "user", content }] }, stream);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.apiMessage).toMatch(/^prompt is too long/);
  });
});

describe("a model that is asked for by name and is not there", () => {
  it("is the SDK's own error", async () => {
    const error: unknown = await client.models.retrieve("claude-99").catch((e) => e);
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error).toMatchObject({ type: "not_found_error", requestID: expect.any(String) });
  });
});

describe("when every engine of a model", () => {
  const fault = async (kind: string, more: Record<string, number> = {}) => {
    const engines = new Engines(started.mesh, engineNames());
    await Promise.all(engines.names.map((engine) => engines.fault(engine, kind, more)));
  };

  it("has too much to do, the SDK throws a rate limit with when to come back", async () => {
    await fault("429", { retryAfterS: 3 });
    const error = await thrown({ model: "large" }, false);
    await fault("none");
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect(error.headers?.get("retry-after")).toBe("3");
  });

  it("fails once, the SDK's own retry is answered", async () => {
    await fault("status", { status: 500 });
    let tries = 0;
    const retrying = client.withOptions({
      maxRetries: 2,
      fetch: async (url, init) => {
        tries += 1;
        const response = await fetch(url, init);
        if (tries === 1) await fault("none");
        return response;
      },
    });
    const { answer } = await message(retrying, question, false);
    expect(answer.type).toBe("message");
    expect(tries).toBeGreaterThan(1);
  });

  it("falls silent, the SDK throws in the middle of the stream", async () => {
    await fault("stall-midstream");
    const stream = await client.messages.create({ ...question, max_tokens: 200, stream: true });
    let events = 0;
    const reading = (async () => {
      for await (const _event of stream) events += 1;
    })();
    await expect(reading).rejects.toMatchObject({ type: "api_error", errorCode: "engine_failed" });
    await fault("none");
    expect(events).toBeGreaterThan(2);
  });
});
