import { describe, expect, it } from "vitest";
import { errorBody } from "../../../../src/apps/messages/errors.ts";
import { chatOf, chatTextOf, messagesOf, parsed } from "./message-fixtures.ts";

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const text = (said: string, more: object = {}) => ({ type: "text", text: said, ...more });
const HINT = { cache_control: { type: "ephemeral", ttl: "1h" } };

describe("a conversation", () => {
  it("has its system's text first, as a string or in blocks", () => {
    const asked = [user("Hi")];
    const [one, two] = ["You help.", [text("You", HINT), text("help.")]];
    const rest = { role: "user", content: "Hi" };
    expect(messagesOf(asked, { system: one })).toEqual([{ role: "system", content: one }, rest]);
    expect(messagesOf(asked, { system: two })).toEqual([
      { role: "system", content: "You\nhelp." },
      rest,
    ]);
  });

  it("may have more system messages in the middle", () => {
    const later = { role: "system", content: [text("Be brief.")] };
    expect(messagesOf([user("Hi"), later])).toEqual([
      { role: "user", content: "Hi" },
      { role: "system", content: "Be brief." },
    ]);
  });

  it("leaves out the line of the system that Claude Code writes for Anthropic's books", () => {
    const line = text(
      "x-anthropic-billing-header: cc_version=2.1.1; cc_entrypoint=cli; cch=0a1b2;",
    );
    const [system] = messagesOf([user("Hi")], { system: [line, text("You help.")] }) as object[];
    expect(system).toEqual({ role: "system", content: "You help." });
  });

  it("shows pictures and documents", () => {
    const png = { type: "base64", media_type: "image/png", data: "iVBO" };
    const blocks = [
      text("What is this?", HINT),
      { type: "image", source: png },
      { type: "image", source: { type: "url", url: "https://a.test/b.png" } },
      {
        type: "document",
        title: "T",
        source: { type: "text", media_type: "text/plain", data: "d" },
      },
      { type: "document", source: { ...png, media_type: "application/pdf" } },
    ];
    expect(messagesOf([user(blocks)])).toEqual([
      user([
        text("What is this?"),
        { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } },
        { type: "image_url", image_url: { url: "https://a.test/b.png" } },
        text("T\nd"),
        {
          type: "file",
          file: { filename: "document.pdf", file_data: "data:application/pdf;base64,iVBO" },
        },
      ]),
    ]);
  });

  it("calls tools in parallel, and brings their results before anything else", () => {
    const call = (id: string) => ({ type: "tool_use", id, name: "f", input: { n: 1 } });
    const result = (id: string, content: unknown, more = {}) => ({
      type: "tool_result",
      tool_use_id: id,
      content,
      ...more,
    });
    const picture = { type: "image", source: { type: "url", url: "https://a.test/b.png" } };
    const conversation = [
      user("Go"),
      assistant([text("Well."), call("a"), call("b"), call("c")]),
      user([
        result("a", "1", HINT),
        result("b", [text("2"), picture]),
        result("c", undefined, { is_error: true }),
        text("And?"),
      ]),
    ];
    const sent = (id: string) => ({
      id,
      type: "function",
      function: { name: "f", arguments: '{"n":1}' },
    });
    expect(messagesOf(conversation)).toEqual([
      user("Go"),
      { role: "assistant", content: "Well.", tool_calls: [sent("a"), sent("b"), sent("c")] },
      { role: "tool", tool_call_id: "a", content: "1" },
      { role: "tool", tool_call_id: "b", content: "2" },
      { role: "tool", tool_call_id: "c", content: "Error: " },
      user([{ type: "image_url", image_url: { url: "https://a.test/b.png" } }, text("And?")]),
    ]);
  });

  it("gives thinking back, and nothing for the text of an answer that only called", () => {
    const thought = { type: "thinking", thinking: "hm", signature: "unsigned" };
    const call = { type: "tool_use", id: "a", name: "f", input: {} };
    expect(messagesOf([user("Go"), assistant([thought, call])])).toEqual([
      user("Go"),
      {
        role: "assistant",
        content: null,
        reasoning_content: "hm",
        tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
      },
    ]);
  });

  it("goes on with an answer that the caller has begun", () => {
    const chat = chatOf({ messages: [user("Count"), assistant("One,")] });
    expect(chat).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
    expect(chatOf()).not.toHaveProperty("continue_final_message");
  });

  it("keeps every digit of what a tool was called with, and of what it takes", () => {
    const sent = chatTextOf(
      `{"model":"m","max_tokens":1,"tools":[{"name":"f","input_schema":{"maximum":12345678901234567890}}],
       "messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"id":98765432109876543210}}]},{"role":"user","content":"b"}]}`,
    );
    expect(sent).toContain('"maximum":12345678901234567890');
    expect(sent).toContain(String.raw`"{\"id\":98765432109876543210}"`);
  });
});

describe("settings", () => {
  it("become those of a chat", () => {
    const settings = {
      temperature: 0,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      stream: true,
    };
    expect(chatOf({ ...settings, service_tier: "standard_only" })).toEqual({
      model: "small",
      max_tokens: 64,
      messages: [user("Hi")],
      stream: true,
      temperature: 0,
      top_p: 0.9,
      top_k: 5,
      stop: ["END"],
      service_tier: "default",
    });
  });

  it.each([
    [{ type: "auto" }, { tool_choice: "auto" }],
    [{ type: "any" }, { tool_choice: "required" }],
    [{ type: "none" }, { tool_choice: "none" }],
    [
      { type: "tool", name: "f", disable_parallel_tool_use: true },
      {
        tool_choice: { type: "function", function: { name: "f" } },
        parallel_tool_calls: false,
      },
    ],
  ])("choose tools: %j", (tool_choice, chosen) => {
    const schema = { type: "object", properties: {} };
    const tools = [{ name: "f", description: "F", input_schema: schema, strict: true, ...HINT }];
    const fn = { name: "f", description: "F", parameters: schema, strict: true };
    expect(chatOf({ tools, tool_choice })).toMatchObject({
      tools: [{ type: "function", function: fn }],
      ...chosen,
    });
  });

  it("ask for effort and for JSON", () => {
    const schema = { type: "object" };
    const output_config = { effort: "xhigh", format: { type: "json_schema", schema } };
    expect(chatOf({ output_config })).toMatchObject({
      reasoning_effort: "high",
      response_format: { type: "json_schema", json_schema: { schema } },
    });
  });

  it("that only engines know go on as they came", () => {
    const own = { min_p: 0.1, seed: 7, chat_template_kwargs: { enable_thinking: true } };
    expect(chatOf(own)).toMatchObject(own);
  });

  it.each([
    ["user_0ab_account__session_6a5f-1", "6a5f-1"],
    [JSON.stringify({ device_id: "d", account_uuid: "", session_id: "6a5f-1" }), "6a5f-1"],
    ["{oops", "{oops"],
    ["user-7", "user-7"],
  ])("name the session by what is in their user: %s", (user_id, key) => {
    const result = parsed({ metadata: { user_id } });
    expect(result).toMatchObject({ ok: true, request: { metadataUserId: key } });
  });

  it.each([
    { cache_control: { type: "ephemeral" } },
    { system: [text("a", HINT)] },
    { messages: [user([text("a", HINT)])] },
    { tools: [{ name: "f", input_schema: {}, ...HINT }] },
  ])("say that the caller comes back, when they mark something as worth keeping: %j", (members) => {
    expect(parsed(members)).toMatchObject({ request: { comesBack: true } });
    expect(chatTextOf(members)).not.toContain("cache_control");
    expect(parsed()).not.toHaveProperty("request.comesBack");
  });
});

describe("what cannot be done is refused by its name", () => {
  it.each<[string, object]>([
    ["max_tokens", { max_tokens: undefined }],
    ["n", { n: 2 }],
    ["container", { container: "c" }],
    ["mcp_servers", { mcp_servers: [{ type: "url" }] }],
    ["speed", { speed: "fast" }],
    ["context_management.edits.0.type", { context_management: { edits: [{ type: "x" }] } }],
    ["tools.0.type", { tools: [{ type: "web_search_20260318", name: "web_search" }] }],
    ["tools.0.defer_loading", { tools: [{ name: "f", input_schema: {}, defer_loading: true }] }],
    ["messages.0.content.0.type", { messages: [user([{ type: "search_result" }])] }],
    ["messages.0.content.0.type", { messages: [assistant([{ type: "redacted_thinking" }])] }],
    ["messages.0.content.0.mood", { messages: [user([text("a", { mood: "good" })])] }],
    [
      "messages.0.content.0.source.type",
      { messages: [user([{ type: "image", source: { type: "file", file_id: "f" } }])] },
    ],
    ["messages.0.role", { messages: [{ role: "robot", content: "a" }] }],
    ["tool_choice.type", { tool_choice: { type: "some" } }],
    ["thinking.budget_tokens", { thinking: { type: "enabled" } }],
  ])("%s", (param, members) => {
    const result = parsed(members);
    if (result.ok) throw new Error("it was taken");
    expect(result.error).toMatchObject({ code: "invalid_request", status: 400, param });
    expect(result.error.message).toContain(`\`${param}\``);
  });

  it("also a thread that a server would have to keep, in words at which SDKs go on without", () => {
    const result = parsed({ thread: { type: "create" } });
    if (result.ok) throw new Error("it was taken");
    expect(errorBody(result.error, "req_1")).toMatchObject({
      error: {
        type: "invalid_request_error",
        details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
      },
    });
  });

  it.each([
    {
      container: null,
      speed: "standard",
      mcp_servers: [],
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    },
    { tools: [{ type: "custom", name: "f", input_schema: {}, eager_input_streaming: true }] },
  ])("but not what asks for nothing: %j", (members) => {
    expect(parsed(members).ok).toBe(true);
  });
});
