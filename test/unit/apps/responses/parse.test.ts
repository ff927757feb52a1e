import { describe, expect, it } from "vitest";
import { responses } from "../../../../src/apps/responses/api.ts";

type Json = Record<string, unknown>;

function parsed(members: object) {
  const body = JSON.stringify({ model: "small", input: "Where did you run?", ...members });
  return responses.parse(new TextEncoder().encode(body));
}

/** The request that engines are sent. */
function sent(members: object): Json {
  const result = parsed(members);
  if (!result.ok) throw new Error(result.error.message);
  return JSON.parse(new TextDecoder().decode(result.request.bytes)) as Json;
}

function refused(members: object) {
  const result = parsed(members);
  if (result.ok) throw new Error("the request was not refused");
  return result.error;
}

const user = { role: "user", content: "Where did you run?" };
const tool = { name: "look", description: "Looks.", parameters: { type: "object" }, strict: true };

describe("a request for a response", () => {
  it("is the chat request that says the same, and no more", () => {
    expect(sent({})).toEqual({ model: "small", messages: [user] });
    expect(sent({ instructions: "Be brief.", stream: true })).toEqual({
      model: "small",
      messages: [{ role: "system", content: "Be brief." }, user],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it("is read for routing as chat requests are", () => {
    const result = parsed({
      instructions: "Be brief.",
      max_output_tokens: 9,
      tools: [{ type: "function", ...tool }],
      user: "u",
      prompt_cache_key: "k",
      reasoning: { effort: "low" },
      top_logprobs: 2,
    });
    expect(result).toMatchObject({
      request: {
        path: "/v1/chat/completions",
        model: "small",
        stream: false,
        includeUsage: true,
        messages: [{ role: "system" }, user],
        tools: [{ type: "function", function: tool }],
        maxTokens: 9,
        user: "u",
        promptCacheKey: "k",
        templateKnobs: { reasoning_effort: "low" },
        traits: { n: 1, hasLogprobs: true },
      },
    });
  });

  it("says in chat's words what Responses says in its own", () => {
    const schema = { type: "object", properties: {} };
    const format = { type: "json_schema", name: "out", schema, strict: true };
    const members = {
      max_output_tokens: 7,
      text: { format, verbosity: "low" },
      reasoning: { effort: "high", summary: "auto" },
      include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
      tools: [{ type: "function", ...tool }],
      tool_choice: { type: "function", name: "look" },
      parallel_tool_calls: false,
    };
    expect(sent(members)).toEqual({
      model: "small",
      messages: [user],
      max_tokens: 7,
      response_format: { type: "json_schema", json_schema: { name: "out", schema, strict: true } },
      verbosity: "low",
      reasoning_effort: "high",
      logprobs: true,
      tools: [{ type: "function", function: tool }],
      tool_choice: { type: "function", function: { name: "look" } },
      parallel_tool_calls: false,
    });
    expect(sent({ text: { format: { type: "json_object" } } })).toMatchObject({
      response_format: { type: "json_object" },
    });
  });

  it("does not tell engines how to choose among no tools", () => {
    const none = sent({ tools: [], tool_choice: "auto", parallel_tool_calls: true });
    expect(none).toEqual({ model: "small", messages: [user] });
    expect(sent({ tool_choice: "required" })).toHaveProperty("tool_choice", "required");
  });

  it("hands on what only engines know, digit for digit", () => {
    const text =
      '{"model":"small","seed":12345678901234567890,"top_k":5,"input":"hi","store":false}';
    const result = responses.parse(new TextEncoder().encode(text));
    if (!result.ok) throw new Error(result.error.message);
    expect(new TextDecoder().decode(result.request.bytes)).toBe(
      '{"model":"small","seed":12345678901234567890,"top_k":5,"messages":[{"role":"user","content":"hi"}]}',
    );
  });

  it("needs something to answer to", () => {
    expect(refused({ input: [] })).toMatchObject({ code: "invalid_request", param: "input" });
    expect(refused({ input: undefined })).toMatchObject({ param: "input" });
    expect(sent({ input: [], instructions: "Begin." })).toMatchObject({
      messages: [{ role: "system", content: "Begin." }],
    });
  });
});

describe("items", () => {
  it("are messages, with one text as a string and other parts in chat's shape", () => {
    const image = { type: "input_image", image_url: "data:image/png;base64,AA==", detail: "low" };
    const file = {
      type: "input_file",
      file_data: "data:application/pdf;base64,AA==",
      filename: "a",
    };
    const audio = { type: "input_audio", input_audio: { data: "AA==", format: "wav" } };
    const input = [
      { type: "message", role: "developer", content: [{ type: "input_text", text: "Be brief." }] },
      { role: "user", content: [{ type: "input_text", text: "See:" }, image, file, audio] },
    ];
    expect(sent({ input })["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "See:" },
          { type: "image_url", image_url: { url: image.image_url, detail: "low" } },
          { type: "file", file: { file_data: file.file_data, filename: "a" } },
          audio,
        ],
      },
    ]);
  });

  it("that were one answer are one assistant's message again", () => {
    const input = [
      { role: "user", content: "Go." },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [],
        content: [{ type: "reasoning_text", text: "Hm." }],
      },
      message("On it.", "msg_1"),
      { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: "{}" },
      { type: "function_call", id: "fc_2", call_id: "c2", name: "look", arguments: "[]" },
      { type: "function_call_output", call_id: "c1", output: "seen" },
      {
        type: "function_call_output",
        call_id: "c2",
        output: [{ type: "input_text", text: "not" }],
      },
      message("Done.", "msg_2"),
      message("Really.", "msg_3"),
    ];
    const call = (id: string, args: string) => ({
      id,
      type: "function",
      function: { name: "look", arguments: args },
    });
    expect(sent({ input })["messages"]).toEqual([
      { role: "user", content: "Go." },
      {
        role: "assistant",
        content: "On it.",
        reasoning_content: "Hm.",
        tool_calls: [call("c1", "{}"), call("c2", "[]")],
      },
      { role: "tool", tool_call_id: "c1", content: "seen" },
      { role: "tool", tool_call_id: "c2", content: "not" },
      { role: "assistant", content: "Done." },
      { role: "assistant", content: "Really." },
    ]);
  });

  it("begin another answer where reasoning follows calls", () => {
    const call = { type: "function_call", call_id: "c1", name: "look", arguments: "{}" };
    const thought = { type: "reasoning", summary: [{ type: "summary_text", text: "So." }] };
    expect(sent({ input: [call, thought, message("Done.", "m")] })["messages"]).toMatchObject([
      { role: "assistant", content: null, tool_calls: [{ id: "c1" }] },
      { role: "assistant", content: "Done.", reasoning_content: "So." },
    ]);
  });

  it("of kinds that only an engine knows go on as parts of their message", () => {
    const video = { type: "video_url", video_url: { url: "https://example.com/v" } };
    const input = [{ role: "user", content: [{ type: "input_text", text: "See:" }, video] }];
    expect(sent({ input })["messages"]).toMatchObject([{ content: [{ type: "text" }, video] }]);
  });
});

describe("what cannot be served", () => {
  it.each([
    ["background", { background: true }],
    ["previous_response_id", { conversation: "conv_1", previous_response_id: "resp_1" }],
    ["prompt", { prompt: { id: "pmpt_1" } }],
    ["truncation", { truncation: "auto" }],
    ["context_management", { context_management: [{ type: "compaction" }] }],
    ["n", { n: 2 }],
    ["tools.1", { tools: [{ type: "function", name: "f" }, { type: "web_search" }] }],
    ["tool_choice", { tool_choice: { type: "mcp", server_label: "s" } }],
    ["text.format", { text: { format: { type: "grammar" } } }],
    [
      "input.0.encrypted_content",
      { input: [{ type: "reasoning", summary: [], encrypted_content: "x" }] },
    ],
  ])("is refused by its name: %s", (param, members) => {
    const error = refused(members);
    expect(error).toMatchObject({ code: "unsupported_parameter", status: 400, param });
    expect(error.message).toContain(`\`${param}\``);
  });

  it.each([
    ["input.0.type", [{ type: "web_search_call", id: "ws_1" }], "`web_search_call`"],
    ["input.0.content.0.image_url", [picture({ file_id: "file_1" })], "`file_id`"],
    ["input.0.content.0.image_url", [picture({})], "it must be a string"],
    ["input.0.role", [{ role: "robot", content: "hi" }], "Invalid"],
    ["input.1.call_id", [{ role: "user", content: "hi" }, { type: "function_call" }], "Invalid"],
  ])("is refused by its place: %s", (param, input, why) => {
    const error = refused({ input });
    expect(error).toMatchObject({ code: "invalid_request", status: 400, param });
    expect(error.message).toContain(why);
  });

  it("does not mind what asks for nothing", () => {
    const nothing = { background: false, conversation: null, truncation: "disabled", tools: null };
    expect(sent({ ...nothing, context_management: [], store: false })).toEqual({
      model: "small",
      messages: [user],
    });
  });
});

function message(text: string, id: string) {
  const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
  return { type: "message", id, role: "assistant", status: "completed", content };
}

function picture(members: object) {
  return { role: "user", content: [{ type: "input_image", ...members }] };
}
