import { APICallError, generateText, streamText } from "ai";
import { beforeAll, describe, expect, it } from "vitest";
import { countedFetch } from "../support/counted-fetch.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { aiModel, PROVIDERS } from "./ai-models.ts";

const started = useMesh({ turnSettings: { idleTimeoutMs: 300 } });
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, engineNames());
});

const fault = (kind: string, more: Record<string, number> = {}) =>
  Promise.all(engines.names.map((engine) => engines.fault(engine, kind, more)));

describe.each(PROVIDERS)("Vercel's AI SDK with %s", (provider) => {
  /** What is thrown for such a request, and how often it was sent. */
  async function thrown(
    { name = "small", key = started.mesh.key, prompt = "Hello" },
    stream: boolean,
  ) {
    const { fetch, triedAt } = countedFetch();
    const { edges } = started.mesh;
    const model = aiModel(provider, { edges, key }, name, fetch);
    const request = { model, prompt, maxOutputTokens: 8 };
    const errors: unknown[] = [];
    if (stream) {
      const onError = ({ error }: { readonly error: unknown }) => void errors.push(error);
      await streamText({ ...request, onError }).consumeStream();
    } else {
      await generateText(request).catch((error: unknown) => errors.push(error));
    }
    const [error] = errors;
    if (!APICallError.isInstance(error)) throw new Error(`no API error: ${String(error)}`);
    return { error, tries: triedAt.length };
  }

  it.each([false, true])("throws at once for a wrong key, streamed: %s", async (stream) => {
    const { error, tries } = await thrown({ key: "sk-wrong" }, stream);
    expect(error).toMatchObject({ statusCode: 401, message: "This API key is not known here." });
    expect(tries).toBe(1);
  });

  it.each([false, true])("throws at once for an unknown model, streamed: %s", async (stream) => {
    const { error, tries } = await thrown({ name: "gpt-99" }, stream);
    expect(error).toMatchObject({ statusCode: 404, isRetryable: false });
    expect(error.message).toContain("The model `gpt-99` does not exist.");
    expect(tries).toBe(1);
  });

  it.each([false, true])("throws at once for too long a prompt, streamed: %s", async (stream) => {
    const prompt = "abcd".repeat(225_000);
    const { error, tries } = await thrown({ name: "large", prompt }, stream);
    expect(error).toMatchObject({ statusCode: 400, isRetryable: false });
    expect(error.responseBody).toMatch(/context_length_exceeded/);
    expect(tries).toBe(1);
  });

  it("comes back when it is told to, and is answered", async () => {
    await fault("429", { retryAfterS: 3 });
    const { fetch, triedAt } = countedFetch(async (tries) => {
      if (tries === 1) await fault("none");
    });
    const model = aiModel(provider, started.mesh, "large", fetch);
    const { text } = await generateText({ model, prompt: "Hello", maxOutputTokens: 8 });
    expect(text).not.toBe("");
    const [first = 0, second = 0] = triedAt;
    expect(triedAt).toHaveLength(2);
    // Left to itself it would wait for two seconds.
    expect(second - first).toBeGreaterThanOrEqual(2990);
  });

  it("tells of an answer that breaks off in the middle of its stream", async () => {
    await fault("stall-midstream");
    const model = aiModel(provider, started.mesh, "small");
    const types: string[] = [];
    const errors: unknown[] = [];
    const stream = streamText({
      model,
      prompt: "Hello",
      maxOutputTokens: 200,
      onError: ({ error }) => void errors.push(error),
    });
    for await (const { type } of stream.fullStream) types.push(type);
    await fault("none");
    expect(types).toContain("text-delta");
    expect(types).toContain("error");
    expect(JSON.stringify(errors)).toContain("The engine failed before its answer was complete.");
  });
});
