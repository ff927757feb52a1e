import {
  Agent,
  OpenAIConversationsSession,
  OpenAIResponsesModel,
  run,
  setTracingDisabled,
  tool,
} from "@openai/agents";
import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { useMesh } from "../support/local-mesh.ts";
import { openaiAt } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  setTracingDisabled(true);
  client = openaiAt(started.mesh);
});

/** An agent that asks for the weather, and the cities that it asked of. */
function forecaster() {
  const asked: string[] = [];
  const weather = tool({
    name: "weather",
    description: "Tells the weather",
    parameters: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      asked.push(city);
      return "4 degrees, sleet";
    },
  });
  const agent = new Agent({
    name: "Forecaster",
    instructions: "You know the weather.",
    model: new OpenAIResponsesModel(client, "large"),
    tools: [weather],
  });
  return { agent, asked };
}

const question = "How is the weather in Reykjavik?";

describe("an agent of the OpenAI Agents SDK", () => {
  it("calls its tool and answers, and goes on from there by the response's id", async () => {
    const { agent, asked } = forecaster();
    const first = await run(agent, question);
    expect(asked).toHaveLength(1);
    expect(first.finalOutput).toBeTruthy();
    expect(first.lastResponseId).toMatch(/^resp_/);
    const second = await run(agent, "And tomorrow?", {
      ...(first.lastResponseId !== undefined && { previousResponseId: first.lastResponseId }),
    });
    expect(second.finalOutput).toBeTruthy();
    const stored = await client.responses.retrieve(second.rawResponses[0]?.responseId ?? "");
    expect(stored.previous_response_id).toBe(first.lastResponseId);
  });

  it("goes on with its whole history instead", async () => {
    const { agent } = forecaster();
    const first = await run(agent, question);
    const more = { role: "user" as const, content: "And tomorrow?" };
    const second = await run(agent, [...first.history, more]);
    expect(second.finalOutput).toBeTruthy();
  });

  it("keeps its history in a conversation", async () => {
    const { agent } = forecaster();
    const session = new OpenAIConversationsSession({ client });
    const first = await run(agent, question, { session });
    expect(first.finalOutput).toBeTruthy();
    const second = await run(agent, "And tomorrow?", { session });
    expect(second.finalOutput).toBeTruthy();
    const kept = await session.getItems();
    expect(kept.filter((item) => "role" in item && item.role === "user")).toHaveLength(2);
    await session.clearSession();
  });

  it("goes on in a conversation of its own", async () => {
    const { agent } = forecaster();
    const { id } = await client.conversations.create({ metadata: { purpose: "test" } });
    const first = await run(agent, question, { conversationId: id });
    expect(first.finalOutput).toBeTruthy();
    const types = [];
    for await (const item of client.conversations.items.list(id, { order: "asc" })) {
      types.push(item.type);
    }
    expect(types).toEqual(["message", "function_call", "function_call_output", "message"]);
  });

  it("streams", async () => {
    const { agent, asked } = forecaster();
    const streamed = await run(agent, question, { stream: true });
    let text = "";
    for await (const part of streamed.toTextStream()) text += part;
    await streamed.completed;
    expect(asked).toHaveLength(1);
    expect(streamed.finalOutput).toBe(text);
  });
});
