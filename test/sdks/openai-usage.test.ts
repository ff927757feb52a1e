import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { coldWords, complete, openaiAt, routeOf, type Completed } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh, 1);
});

const take = (messages: OpenAI.ChatCompletionMessageParam[], stream: boolean) =>
  complete(client, { model: "large", messages, max_tokens: 16 }, stream);

describe.each([false, true])("the usage of a long conversation, streamed: %s", (stream) => {
  it("counts as cached what the engine that prefilled had found, and no more", async () => {
    const user = { role: "user" as const, content: coldWords(30_000) };
    const cold = await take([user], stream);
    expect(routeOf(cold.headers)["mode"]).toBe("disaggregated");
    expect(cold.answer.usage?.prompt_tokens).toBeGreaterThan(30_000);
    expect(cachedOf(cold)).toBe(await foundFor(cold));
    expect(cachedOf(cold)).toBe(0);

    const said = cold.answer.choices[0]?.message.content ?? "";
    const assistant = { role: "assistant" as const, content: said };
    const warm = await take([user, assistant, { role: "user", content: "And now?" }], stream);
    expect(cachedOf(warm)).toBe(await foundFor(warm));
    expect(cachedOf(warm)).toBeGreaterThan(0.9 * (cold.answer.usage?.prompt_tokens ?? Infinity));
  });
});

function cachedOf({ answer }: Completed): number {
  return answer.usage?.prompt_tokens_details?.cached_tokens ?? 0;
}

/** What the ledger of the engine that prefilled says it found of the prompt. */
async function foundFor({ headers }: Completed): Promise<number | undefined> {
  const engine = routeOf(headers)["prefill"] ?? "";
  const { entries } = await new Engines(started.mesh, [engine]).state(engine);
  return entries.find(({ requestId }) => requestId === headers.get("x-request-id"))?.cachedTokens;
}
