import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage, UsageMetadata } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";
import {
  CHATS,
  type ChatName,
  type ChatSettings,
  gathered,
  langchainAt,
} from "./langchain-models.ts";
import { coldWords, receiptOf } from "./openai-client.ts";

const started = useMesh();
const question = "Where did you run?";

const weather = tool(({ city }) => `4 degrees and sleet in ${city}`, {
  name: "weather",
  description: "Tells the weather",
  schema: z.object({ city: z.string() }),
});

/** Tokens of what was sent, and how many of them were cached; none told is none. */
function inputOf({
  usage_metadata: usage,
}: {
  readonly usage_metadata?: UsageMetadata | undefined;
}) {
  return { tokens: usage?.input_tokens ?? 0, cached: usage?.input_token_details?.cache_read ?? 0 };
}

const report = z.object({ city: z.string(), celsius: z.int(), isWet: z.boolean() });

/** LangChain counts the input of a stream of Messages at its start, where a mesh can only estimate it. */
function readsEstimate(chat: ChatName, stream: boolean): boolean {
  return stream && chat === "ChatAnthropic";
}

describe.each(CHATS)("LangChain's %s", (chat) => {
  const at = (settings: ChatSettings) => langchainAt(chat, started.mesh, settings);

  it("reads a message whole and as a stream, with its usage", async () => {
    const model = at({ model: "small", maxTokens: 8 });
    const whole = await model.invoke(question);
    expect(whole.text).not.toBe("");
    expect(whole.usage_metadata).toMatchObject({ output_tokens: 8 });
    const streamed = await gathered(await model.stream(question));
    expect(streamed.text).toBe(whole.text);
    expect(streamed.usage_metadata).toMatchObject({ output_tokens: 8 });
    const sent = [inputOf(whole), inputOf(streamed)].map(({ tokens }) => tokens);
    expect(Math.min(...sent)).toBeGreaterThan(0);
    if (!readsEstimate(chat, true)) expect(sent[1]).toBe(sent[0]);
  });

  it.each([false, true])("goes round a tool loop to an answer, streamed: %s", async (stream) => {
    const model = at({ model: "large" }).bindTools([weather]);
    const ask = async (messages: BaseMessage[]) =>
      stream ? gathered(await model.stream(messages)) : model.invoke(messages);
    const asked = [
      new SystemMessage(`You know the weather. ${coldWords(2000)}`),
      new HumanMessage("How is the weather in Reykjavik?"),
    ];
    const first = await ask(asked);
    const [call] = first.tool_calls ?? [];
    if (call === undefined) throw new Error("no tool was called");
    expect(call).toMatchObject({ name: "weather", args: { city: expect.any(String) } });
    const result: unknown = await weather.invoke({ ...call, type: "tool_call" });
    if (!ToolMessage.isInstance(result)) throw new Error("the tool gave no message");
    const second = await ask([...asked, first, result]);
    expect(second.tool_calls).toEqual([]);
    expect(second.text).not.toBe("");
    if (readsEstimate(chat, stream)) return;
    expect(inputOf(second).cached).toBeGreaterThan(0.9 * inputOf(first).tokens);
  });

  it.each(["jsonSchema", "functionCalling"] as const)(
    "is given an object of the schema it asks for by %s",
    async (method) => {
      const model = at({ model: "small" }).withStructuredOutput(report, { method, name: "report" });
      expect(report.safeParse(await model.invoke(question)).error).toBeUndefined();
    },
  );

  it("is given such an object piece by piece", async () => {
    const method = "jsonSchema";
    const model = at({ model: "small" }).withStructuredOutput(report, { method, name: "report" });
    const parts: unknown[] = [];
    for await (const part of await model.stream(question)) parts.push(part);
    expect(report.safeParse(parts.at(-1)).error).toBeUndefined();
  });

  it("leaves a stream when it is aborted, and every engine's leg ends", async () => {
    let headers = new Headers();
    const ask: typeof fetch = async (...sent) => {
      const response = await fetch(...sent);
      ({ headers } = response);
      return response;
    };
    const abort = new AbortController();
    const model = at({ model: "small", maxTokens: 4000, fetch: ask });
    const stream = await model.stream(question, { signal: abort.signal });
    let chunks = 0;
    const reading = (async () => {
      for await (const _chunk of stream) {
        chunks += 1;
        if (chunks === 3) abort.abort();
      }
    })();
    await expect(reading).rejects.toThrow(/abort/i);
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    expect(receipt.outputTokens).toBeLessThan(4000);
    await new Engines(started.mesh, engineNames()).quiet();
  });
});
