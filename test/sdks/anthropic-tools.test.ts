import type Anthropic from "@anthropic-ai/sdk";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { anthropicAt, message, rawMessage, textOf } from "./anthropic-client.ts";
import { coldWords, receiptOf, routeOf } from "./openai-client.ts";

const started = useMesh();
let ams: Anthropic;
let iad: Anthropic;

beforeAll(() => {
  ams = anthropicAt(started.mesh, 0);
  iad = anthropicAt(started.mesh, 1);
});

const tools: Anthropic.Tool[] = [
  {
    name: "weather",
    description: "Tells the weather",
    input_schema: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
    },
  },
];
const asked: Anthropic.MessageParam = { role: "user", content: "How is the weather in Reykjavik?" };

describe.each([false, true])("a tool's round trip over two edges, streamed: %s", (stream) => {
  it("is one session, and stays on its cache", async () => {
    const system = `You know the weather. ${coldWords(2000)}`;
    const take = (client: Anthropic, messages: Anthropic.MessageParam[]) =>
      message(client, { model: "large", max_tokens: 100, system, messages, tools }, stream);
    const first = await take(ams, [asked]);
    expect(first.answer.stop_reason).toBe("tool_use");
    const call = first.answer.content.find(({ type }) => type === "tool_use");
    if (call?.type !== "tool_use") throw new Error("no tool was called");
    expect(call).toMatchObject({ name: "weather", input: { city: expect.any(String) } });

    const content = first.answer.content as Anthropic.ContentBlockParam[];
    const result = { type: "tool_result" as const, tool_use_id: call.id, content: "4 degrees" };
    const second = await take(iad, [
      asked,
      { role: "assistant", content },
      { role: "user", content: [result] },
    ]);
    expect(second.answer.stop_reason, "emulated engines write all they may").toBe("max_tokens");
    expect(textOf(second.answer)).not.toBe("");

    const [before, after] = await Promise.all(
      [first, second].map(({ headers }) => receiptOf(started.mesh, headers)),
    );
    const session = second.headers.get("phaseway-session");
    expect(before).toMatchObject({ session, turn: 1, edge: "ams" });
    expect(after).toMatchObject({ session, turn: 2, edge: "iad" });
    expect(routeOf(second.headers)["decode"]).toBe(routeOf(first.headers)["decode"]);
    const { cache_read_input_tokens: cached } = second.answer.usage;
    expect(cached).toBeGreaterThan(0.9 * first.answer.usage.input_tokens);
  });
});

describe("a call", () => {
  it("has its events in the reference order", async () => {
    const request = { model: "small", max_tokens: 100, messages: [asked], tools };
    const seen = await rawMessage(started.mesh, request);
    expect(seen).toMatchObject({ stopReason: "tool_use", content: [{ name: "weather" }] });
  });
});

describe("the SDK's own tool runner", () => {
  it.each([false, true])(
    "calls tools until the model has answered, streamed: %s",
    async (stream) => {
      const inputs: unknown[] = [];
      const [weather] = tools;
      if (weather === undefined) throw new Error("no tool");
      const run = (input: unknown) => {
        inputs.push(input);
        return "4 degrees, sleet";
      };
      const tool = { ...weather, run, parse: (input: unknown) => input };
      const params = { model: "small", max_tokens: 100, messages: [asked], tools: [tool] };
      const runner = stream
        ? ams.beta.messages.toolRunner({ ...params, stream })
        : ams.beta.messages.toolRunner(params);
      const last = await runner.runUntilDone();
      expect(last.content).toMatchObject([{ type: "text" }]);
      expect(inputs).toEqual([expect.objectContaining({ city: expect.any(String) })]);
    },
  );
});
