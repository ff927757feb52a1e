import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { seenMessage } from "../support/message-events.ts";
import { AUTH, createEdge, KEYS, type Edge } from "./edge.ts";
import { chunkOf, HELLO, politely, streamOf, USAGE, usageChunk } from "./fake-engine.ts";
import { jsonOf, MESSAGES_BODY, postMessages } from "./post-messages.ts";

let edge: Edge;
const edges: Edge[] = [];

beforeEach(async () => {
  edge = await createEdge({ turnSettings: { keepAliveMs: 20 } });
  edges.push(edge);
});
afterAll(() => Promise.all(edges.map((one) => one.settled())));

const post = (members: object | string = {}, headers: Record<string, string> = AUTH) =>
  postMessages(edge, members, headers);

describe("POST /v1/messages", () => {
  it("answers whole, with our headers and the request's id under both its names", async () => {
    const answer = await post({}, { ...AUTH, "anthropic-version": "2023-06-01" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("application/json");
    const id = answer.headers.get("request-id");
    expect(id).toMatch(/^req_/);
    expect(answer.headers.get("x-request-id")).toBe(id);
    expect(answer.headers.get("phaseway-route")).toMatch(/^mode=/);
    expect(answer.headers.get("phaseway-receipt")).toMatch(/^rct_/);
    expect(await jsonOf(answer)).toMatchObject({
      type: "message",
      id: id?.replace("req_", "msg_"),
      content: [{ type: "text", text: "hello there" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 20, cache_read_input_tokens: 0, output_tokens: 2 },
    });
  });

  it("streams, and asks its engine for a chat", async () => {
    const answer = await post({ stream: true, system: "You help." });
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    const seen = seenMessage(await answer.text());
    expect(seen).toMatchObject({
      content: [{ type: "text", text: "hello there" }],
      stopReason: "end_turn",
      usage: { input_tokens: 20, output_tokens: 2 },
    });
    const [sent] = edge.engine.sent;
    expect(sent?.url).toMatch(/\/v1\/chat\/completions$/);
    expect(sent?.json).toMatchObject({
      messages: [
        { role: "system", content: "You help." },
        { role: "user", content: "Hi" },
      ],
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it("tells each token as soon as it comes", async () => {
    let goOn = () => {};
    const more = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const encoder = new TextEncoder();
    edge.engine.answers(() => {
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(encoder.encode(`data: ${chunkOf({ content: "first" })}\n\n`));
          await more;
          const rest = [chunkOf({ content: " last" }), chunkOf({}, "stop"), "[DONE]"];
          controller.enqueue(encoder.encode(rest.map((data) => `data: ${data}\n\n`).join("")));
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const reader = (await post({ stream: true })).body
      ?.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = "";
    while (!text.includes("first")) text += (await reader?.read())?.value ?? "";
    expect(text).not.toContain("last");
    goOn();
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      text += next.value;
    }
    expect(seenMessage(text).content).toMatchObject([{ text: "first last" }]);
  });

  it("pings while its engine is silent", async () => {
    let goOn = () => {};
    const silence = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    edge.engine.answers(async (sent) => {
      await silence;
      return politely(sent);
    });
    const answer = await post({ stream: true });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? "";
    expect(text).toBe('event: ping\ndata: {"type":"ping"}\n\n');
    goOn();
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      text += next.value;
    }
    expect(seenMessage(text)).toMatchObject({ stopReason: "end_turn" });
  });

  it("holds a conversation with tools as one session", async () => {
    const call = { id: "call_1", function: { name: "weather", arguments: '{"city":"Oslo"}' } };
    edge.engine.answers(() =>
      streamOf([
        chunkOf({ tool_calls: [{ index: 0, ...call }] }),
        chunkOf({}, "tool_calls"),
        usageChunk(USAGE),
        "[DONE]",
      ]),
    );
    const tools = [{ name: "weather", input_schema: { type: "object" } }];
    const first = await post({ stream: true, tools });
    const seen = seenMessage(await first.text());
    expect(seen.stopReason).toBe("tool_use");
    await edge.settled();
    edge.engine.forget();
    const [use] = seen.content;
    const second = await post({
      tools,
      messages: [
        ...MESSAGES_BODY.messages,
        { role: "assistant", content: [{ ...use, input: JSON.parse(String(use?.["input"])) }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "4" }] },
      ],
    });
    expect(edge.engine.sent[0]?.json["messages"]).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: null, tool_calls: [{ ...call, type: "function" }] },
      { role: "tool", tool_call_id: "call_1", content: "4" },
    ]);
    await edge.settled();
    const receipt = await edge.call(`/v1/receipts/${second.headers.get("phaseway-receipt")}`, {
      headers: AUTH,
    });
    expect(await jsonOf(receipt)).toMatchObject({
      turn: 2,
      session: second.headers.get("phaseway-session"),
    });
  });

  it("keeps every digit of what tools are called with, both ways", async () => {
    const digits = "12345678901234567890";
    const fn = { name: "f", arguments: `{"id":${digits}}` };
    const message = { role: "assistant", content: null, tool_calls: [{ id: "c2", function: fn }] };
    edge.engine.answers(() =>
      Response.json({
        choices: [{ index: 0, message, finish_reason: "tool_calls" }],
        usage: USAGE,
      }),
    );
    const answer = await post(
      `{"model":"small","max_tokens":9,"messages":[{"role":"user","content":"Hi"},` +
        `{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"id":${digits}}}]},` +
        `{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"ok"}]}]}`,
    );
    expect(await answer.text()).toContain(`"input":{"id":${digits}}`);
    const sent = new TextDecoder().decode(edge.engine.sent[0]?.body);
    expect(sent).toContain(JSON.stringify(`{"id":${digits}}`));
  });

  it("knows Claude Code's session by its header and by its metadata", async () => {
    const session = crypto.randomUUID();
    const inMetadata = JSON.stringify({ device_id: "d", account_uuid: "", session_id: session });
    const one = await post({}, { ...AUTH, "x-claude-code-session-id": session });
    const two = await post({ metadata: { user_id: inMetadata } });
    expect(one.headers.get("phaseway-session")).toMatch(/^ses_/);
    expect(two.headers.get("phaseway-session")).toBe(one.headers.get("phaseway-session"));
  });

  it("takes what Claude Code sends, and leaves its bill out of the prompt", async () => {
    const turn = (bill: string) =>
      edge.call("/v1/messages?beta=true", {
        method: "POST",
        headers: {
          ...AUTH,
          "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
        },
        body: JSON.stringify({
          ...MESSAGES_BODY,
          stream: true,
          system: [
            { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.9; cch=${bill};` },
            {
              type: "text",
              text: "You are a CLI.",
              cache_control: { type: "ephemeral", ttl: "1h" },
            },
          ],
          tools: [{ name: "Read", description: "Reads", input_schema: { type: "object" } }],
          metadata: { user_id: JSON.stringify({ device_id: "d", session_id: "s-1" }) },
          thinking: { type: "adaptive" },
          context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
          output_config: { effort: "high" },
        }),
      });
    for (const bill of ["0a1b2", "c3d4e"]) {
      expect(seenMessage(await (await turn(bill)).text()).stopReason).toBe("end_turn");
    }
    const [one, two] = edge.engine.sent;
    expect(one?.json["messages"]).toEqual([
      { role: "system", content: "You are a CLI." },
      { role: "user", content: "Hi" },
    ]);
    expect(two?.json).toEqual(one?.json);
  });

  it("ends the engine's stream when its reader leaves", async () => {
    let ended: (() => void) | undefined;
    const left = new Promise<void>((resolve) => {
      ended = resolve;
    });
    edge.engine.answers(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (const data of HELLO.slice(0, 2))
            controller.enqueue(new TextEncoder().encode(`data: ${data}\n\n`));
        },
        cancel: () => ended?.(),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const reader = (await post({ stream: true })).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await left;
  });
});

describe("POST /v1/messages/count_tokens", () => {
  const { max_tokens: _unlimited, ...prompt } = MESSAGES_BODY;
  const count = (members: object) =>
    edge.call("/v1/messages/count_tokens", {
      method: "POST",
      headers: { "x-api-key": KEYS.acme },
      body: JSON.stringify({ ...prompt, ...members }),
    });

  it("estimates more for more, asking no engine", async () => {
    const [short, long] = await Promise.all(
      [{}, { system: "You help. ".repeat(100) }].map(async (members) =>
        jsonOf(await count(members)),
      ),
    );
    expect(short?.["input_tokens"]).toBeGreaterThan(0);
    expect(Number(long?.["input_tokens"])).toBeGreaterThan(Number(short?.["input_tokens"]) + 200);
    expect(edge.engine.sent).toEqual([]);
  });

  it("refuses what is no prompt", async () => {
    const answer = await count({ messages: [] });
    expect(answer.status).toBe(400);
    expect(await jsonOf(answer)).toMatchObject({ error: { details: { param: "messages" } } });
  });
});
