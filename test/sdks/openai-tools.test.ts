import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { coldWords, complete, openaiAt, receiptOf, routeOf } from "./openai-client.ts";

const started = useMesh();
let ams: OpenAI;
let iad: OpenAI;

beforeAll(() => {
  ams = openaiAt(started.mesh, 0);
  iad = openaiAt(started.mesh, 1);
});

type Message = OpenAI.ChatCompletionMessageParam;
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city"],
};
const tools = [
  {
    type: "function" as const,
    function: { name: "weather", description: "Tells the weather", parameters },
  },
];

describe.each([false, true])("a tool's round trip over two edges, streamed: %s", (stream) => {
  const take = (client: OpenAI, messages: Message[]) =>
    complete(client, { model: "large", messages, tools }, stream);

  it("is one session, and stays on its cache", async () => {
    const asked: Message[] = [
      { role: "system", content: `You know the weather. ${coldWords(2000)}` },
      { role: "user", content: "How is the weather in Reykjavik?" },
    ];
    const first = await take(ams, asked);
    const message = first.answer.choices[0]?.message;
    expect(first.answer.choices[0]?.finish_reason).toBe("tool_calls");
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== "function") throw new Error("no tool was called");
    expect(call.function.name).toBe("weather");
    expect(JSON.parse(call.function.arguments)).toHaveProperty("city", expect.any(String));

    const answered: Message[] = [
      ...asked,
      message,
      { role: "tool", tool_call_id: call.id, content: "4 degrees, sleet" },
    ];
    const second = await take(iad, answered);
    expect(second.answer.choices[0]?.finish_reason).toBe("stop");
    expect(second.answer.choices[0]?.message.content).toBeTruthy();

    const session = second.headers.get("phaseway-session");
    const [before, after] = await Promise.all(
      [first, second].map(({ headers }) => receiptOf(started.mesh, headers)),
    );
    expect(before).toMatchObject({ session, turn: 1, edge: "ams" });
    expect(after).toMatchObject({ session, turn: 2, edge: "iad" });
    expect(routeOf(second.headers)["decode"]).toBe(routeOf(first.headers)["decode"]);
    const cached = second.answer.usage?.prompt_tokens_details?.cached_tokens ?? 0;
    expect(cached).toBeGreaterThan(0.9 * (first.answer.usage?.prompt_tokens ?? Infinity));
  });
});

describe("the SDK's own tool runner", () => {
  it.each([false, true])(
    "calls tools until the model has answered, streamed: %s",
    async (stream) => {
      const asked: unknown[] = [];
      const tool = {
        type: "function" as const,
        function: {
          name: "weather",
          description: "Tells the weather",
          parameters,
          parse: JSON.parse,
          function: (args: unknown) => {
            asked.push(args);
            return "4 degrees, sleet";
          },
        },
      };
      const params = {
        model: "small",
        messages: [{ role: "user" as const, content: "How is the weather in Reykjavik?" }],
        tools: [tool],
      };
      const runner = stream
        ? ams.chat.completions.runTools({ ...params, stream })
        : ams.chat.completions.runTools(params);
      expect(await runner.finalContent()).toBeTruthy();
      expect(asked).toEqual([expect.objectContaining({ city: expect.any(String) })]);
      expect(runner.messages.map(({ role }) => role)).toEqual([
        "user",
        "assistant",
        "tool",
        "assistant",
      ]);
    },
  );
});
