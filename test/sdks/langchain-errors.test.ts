import { beforeAll, describe, expect, it } from "vitest";
import { countedFetch } from "../support/counted-fetch.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { CHATS, gathered, langchainAt } from "./langchain-models.ts";

const started = useMesh({ turnSettings: { idleTimeoutMs: 300 } });
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, engineNames());
});

const fault = (kind: string, more: Record<string, number> = {}) =>
  Promise.all(engines.names.map((engine) => engines.fault(engine, kind, more)));

describe.each(CHATS)("LangChain's %s", (chat) => {
  /** What is thrown for such a request by a model that would try three times, and how often it was sent. */
  async function thrown(
    { name = "small", key = started.mesh.key, prompt = "Hello" },
    stream: boolean,
  ) {
    const { fetch, triedAt } = countedFetch();
    const { edges } = started.mesh;
    const model = langchainAt(chat, { edges, key }, { model: name, maxRetries: 2, fetch });
    const answer = stream ? model.stream(prompt).then(gathered) : model.invoke(prompt);
    const error: unknown = await answer.catch((reason: unknown) => reason);
    return { error, tries: triedAt.length };
  }

  it.each([false, true])("throws at once for a wrong key, streamed: %s", async (stream) => {
    const { error, tries } = await thrown({ key: "sk-wrong" }, stream);
    expect(error).toMatchObject({
      status: 401,
      message: expect.stringContaining("key is not known"),
    });
    expect(tries).toBe(1);
  });

  it.each([false, true])("throws at once for an unknown model, streamed: %s", async (stream) => {
    const { error, tries } = await thrown({ name: "gpt-99" }, stream);
    expect(error).toMatchObject({ status: 404, message: expect.stringContaining("gpt-99") });
    expect(tries).toBe(1);
  });

  it.each([false, true])("throws at once for too long a prompt, streamed: %s", async (stream) => {
    const { error, tries } = await thrown(
      { name: "large", prompt: "abcd".repeat(225_000) },
      stream,
    );
    expect(error).toMatchObject({ name: "ContextOverflowError" });
    expect(tries).toBe(1);
  });

  it("comes back when it is told to, and is answered", async () => {
    await fault("429", { retryAfterS: 3 });
    const { fetch, triedAt } = countedFetch(async (tries) => {
      if (tries === 1) await fault("none");
    });
    const model = langchainAt(chat, started.mesh, { model: "large", maxRetries: 2, fetch });
    const { text } = await model.invoke("Hello");
    expect(text).not.toBe("");
    const [first = 0, second = 0] = triedAt;
    expect(triedAt).toHaveLength(2);
    expect(second - first).toBeGreaterThanOrEqual(2990);
  });

  it("throws when an answer breaks off in the middle of its stream", async () => {
    await fault("stall-midstream");
    const stream = await langchainAt(chat, started.mesh, { model: "small" }).stream("Hello");
    let chunks = 0;
    const reading = (async () => {
      for await (const _chunk of stream) chunks += 1;
    })();
    await expect(reading).rejects.toThrow("The engine failed before its answer was complete.");
    await fault("none");
    expect(chunks).toBeGreaterThan(1);
  });
});
