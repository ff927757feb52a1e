import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";
import { aiModel, PROVIDERS } from "./ai-models.ts";
import { coldWords, receiptOf } from "./openai-client.ts";

const started = useMesh();
const question = "Where did you run?";

describe.each(PROVIDERS)("Vercel's AI SDK with %s", (provider) => {
  const model = (name: string, ask?: typeof fetch) => aiModel(provider, started.mesh, name, ask);

  it("reads a text whole and as a stream, with its usage and why it ended", async () => {
    const request = { model: model("small"), prompt: question, maxOutputTokens: 8 };
    const whole = await generateText(request);
    expect(whole).toMatchObject({ finishReason: "length", usage: { outputTokens: 8 } });
    expect(whole.usage.inputTokens).toBeGreaterThan(0);
    const stream = streamText(request);
    let text = "";
    for await (const part of stream.textStream) text += part;
    expect(text).toBe(whole.text);
    expect(text).not.toBe("");
    expect(await stream.finishReason).toBe("length");
    expect(await stream.usage).toMatchObject({ outputTokens: 8 });
  });

  it.each([false, true])("goes round its tool loop to an answer, streamed: %s", async (stream) => {
    const asked: string[] = [];
    const weather = tool({
      description: "Tells the weather",
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => {
        asked.push(city);
        return { celsius: 4, sky: "sleet" };
      },
    });
    const request = {
      model: model("large"),
      instructions: `You know the weather. ${coldWords(2000)}`,
      prompt: "How is the weather in Reykjavik?",
      tools: { weather },
      stopWhen: isStepCount(4),
      maxOutputTokens: 100,
    };
    const answer = stream ? streamText(request) : await generateText(request);
    const steps = await answer.steps;
    expect(asked).toEqual([expect.any(String)]);
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "length"]);
    expect(steps[0]?.toolResults).toMatchObject([
      { toolName: "weather", input: { city: asked[0] } },
    ]);
    expect(await answer.text).not.toBe("");
    const cachedTokens = steps[1]?.usage.inputTokenDetails.cacheReadTokens;
    expect(cachedTokens).toBeGreaterThan(0.9 * (steps[0]?.usage.inputTokens ?? Infinity));
  });

  it.each([false, true])(
    "is given an object of the schema it asks for, streamed: %s",
    async (stream) => {
      const schema = z.object({
        city: z.string(),
        celsius: z.int(),
        sky: z.enum(["clear", "sleet"]),
      });
      const request = {
        model: model("small"),
        prompt: question,
        maxOutputTokens: 200,
        output: Output.object({ schema }),
      };
      const answer = stream ? streamText(request) : await generateText(request);
      expect(schema.parse(await answer.output)).toEqual(await answer.output);
    },
  );

  it("leaves a stream when it is aborted, and every engine's leg ends", async () => {
    let headers = new Headers();
    const ask: typeof fetch = async (...asked) => {
      const response = await fetch(...asked);
      ({ headers } = response);
      return response;
    };
    const abort = new AbortController();
    const request = { model: model("small", ask), prompt: question, maxOutputTokens: 4000 };
    const stream = streamText({ ...request, abortSignal: abort.signal });
    const types: string[] = [];
    for await (const { type } of stream.fullStream) {
      types.push(type);
      if (type === "text-delta") abort.abort();
    }
    expect(types.at(-1)).toBe("abort");
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    expect(receipt.outputTokens).toBeLessThan(4000);
    await new Engines(started.mesh, engineNames()).quiet();
  });
});
