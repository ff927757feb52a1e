import { describe, expect, it } from "vitest";
import { rendererOf } from "./rendering.ts";

const completion = (message: object, finish = "stop", usage?: object) =>
  JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }], usage });

const whole = async (members: object, ...answer: Parameters<typeof completion>) =>
  JSON.parse(await rendererOf(members).whole(completion(...answer))) as Record<string, unknown>;

describe("a response", () => {
  it("has every member that clients look for, as asked or by OpenAI's defaults", async () => {
    const id = expect.stringMatching(/^resp_12$/) as string;
    expect(await whole({}, { content: "Here." })).toEqual({
      id,
      object: "response",
      created_at: 1000,
      completed_at: 1002,
      status: "completed",
      error: null,
      incomplete_details: null,
      model: "small",
      output: [
        {
          id: "msg_120000",
          type: "message",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "Here.", annotations: [], logprobs: [] }],
        },
      ],
      usage: null,
      instructions: null,
      previous_response_id: null,
      conversation: null,
      tools: [],
      tool_choice: "auto",
      parallel_tool_calls: true,
      max_tool_calls: null,
      max_output_tokens: null,
      text: { format: { type: "text" } },
      reasoning: { effort: null, summary: null },
      temperature: 1,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      top_logprobs: 0,
      truncation: "disabled",
      background: false,
      service_tier: "default",
      metadata: {},
      user: null,
      safety_identifier: null,
      prompt_cache_key: null,
      store: false,
    });
  });

  it("repeats what was asked", async () => {
    const asked = {
      instructions: "Be brief.",
      tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
      tool_choice: "required",
      parallel_tool_calls: false,
      max_output_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      metadata: { a: "b" },
      user: "u",
      prompt_cache_key: "k",
      service_tier: "flex",
    };
    expect(await whole(asked, { content: "Here." })).toMatchObject(asked);
  });

  it("counts as chat counted", async () => {
    const usage = {
      prompt_tokens: 20,
      completion_tokens: 7,
      total_tokens: 27,
      prompt_tokens_details: { cached_tokens: 16 },
      completion_tokens_details: { reasoning_tokens: 3 },
    };
    expect((await whole({}, { content: "Here." }, "stop", usage))["usage"]).toEqual({
      input_tokens: 20,
      input_tokens_details: { cached_tokens: 16 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 27,
    });
    const bare = { prompt_tokens: 20, completion_tokens: 7 };
    expect((await whole({}, { content: "Here." }, "stop", bare))["usage"]).toMatchObject({
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    });
    const odd = { prompt_tokens: "many", completion_tokens: 7 };
    expect((await whole({}, { content: "Here." }, "stop", odd))["usage"]).toBeNull();
  });

  it.each([
    ["length", "max_output_tokens"],
    ["content_filter", "content_filter"],
  ])("is incomplete where it was cut short: %s", async (finish, reason) => {
    expect(await whole({}, { reasoning: "Hm.", content: "He" }, finish)).toMatchObject({
      status: "incomplete",
      completed_at: null,
      incomplete_details: { reason },
      output: [
        { type: "reasoning", status: "completed" },
        { type: "message", status: "incomplete" },
      ],
    });
  });

  it("has refusals, reasoning and calls as items of their own", async () => {
    const calls = [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }];
    const answer = {
      reasoning_content: "Hm.",
      reasoning: "Hm.",
      refusal: "No.",
      tool_calls: calls,
    };
    expect((await whole({}, { content: null, ...answer }))["output"]).toMatchObject([
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] },
      { type: "message", content: [{ type: "refusal", refusal: "No." }] },
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}", status: "completed" },
    ]);
  });

  it("is not made of what is no completion", async () => {
    await expect(rendererOf().whole("nonsense")).rejects.toThrow(SyntaxError);
    await expect(rendererOf().whole("{}")).rejects.toThrow(SyntaxError);
  });

  it.each(["abort", "error"])("is not made of what its engine gave up: %s", async (finish) => {
    await expect(whole({}, { content: "He" }, finish)).rejects.toThrow(SyntaxError);
  });
});
