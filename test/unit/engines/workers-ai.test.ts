import { describe, expect, it } from "vitest";
import { inputsOf, mostTokens } from "../../../src/engines/workers-ai/inputs.ts";
import { asOpenAi } from "../../../src/engines/workers-ai/response.ts";

const ABOUT = { id: "chatcmpl-1", created: 7, model: "@cf/meta/llama", mostTokens: 256 };
const USAGE = { prompt_tokens: 20, completion_tokens: 2, total_tokens: 22 };

describe("a whole answer", () => {
  it("in Workers AI's own shape becomes a completion", async () => {
    const answer = await whole({ response: "hello there", tool_calls: [], usage: USAGE });
    expect(answer).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 7,
      model: "@cf/meta/llama",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "hello there", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: USAGE,
    });
  });

  it.each([
    [[{ name: "look", arguments: { at: 1 } }], "call_chatcmpl-1_0"],
    [[{ id: "c9", type: "function", function: { name: "look", arguments: '{"at":1}' } }], "c9"],
  ])("calls tools as OpenAI's do: %j", async (calls, id) => {
    const answer = await whole({ response: null, tool_calls: calls, usage: USAGE });
    const call = { id, type: "function", function: { name: "look", arguments: '{"at":1}' } };
    expect(answer).toMatchObject({
      choices: [{ message: { content: null, tool_calls: [call] }, finish_reason: "tool_calls" }],
    });
  });

  it("that used all its tokens ended for their length", async () => {
    const usage = { ...USAGE, completion_tokens: 256 };
    expect(await whole({ response: "and", usage })).toMatchObject({
      choices: [{ finish_reason: "length" }],
    });
  });

  it("that is a value is its JSON", async () => {
    expect(await whole({ response: { at: [1] } })).toMatchObject({
      choices: [{ message: { content: '{"at":[1]}' } }],
    });
  });

  it("in OpenAI's shape passes as it came", async () => {
    const body =
      '{ "choices":[{"index":0,"message":{"content":"hi"}}], "seed":18446744073709551615 }';
    const response = new Response(body, { headers: { "content-type": "application/json" } });
    expect(await (await asOpenAi(response, ABOUT, { stream: false })).text()).toBe(body);
  });

  it("in place of a stream becomes one", async () => {
    const response = Response.json({ response: "hello", usage: USAGE });
    const answer = await asOpenAi(response, ABOUT, { stream: true });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const [said, counted, end] = framesOf(await answer.text());
    expect(said).toMatchObject({ choices: [{ delta: { content: "hello" } }] });
    expect(counted).toMatchObject({ choices: [], usage: USAGE });
    expect(end).toBe("[DONE]");
  });
});

describe("a stream", () => {
  it("in Workers AI's own shape becomes OpenAI's, however it is cut", async () => {
    const own = [
      { response: "hel", p: "abc" },
      { response: "lo", p: "a" },
      { response: "", usage: USAGE },
    ];
    const text = `${own.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("")}data: [DONE]\n\n`;
    for (const size of [1, 7, 1000]) {
      expect(framesOf(await streamed(text, size))).toEqual([
        chunk({ role: "assistant", content: "hel" }),
        chunk({ content: "lo" }),
        chunk({}, "stop"),
        { ...chunk({}), choices: [], usage: USAGE },
        "[DONE]",
      ]);
    }
  });

  it("of tool calls brings them piece by piece, the first with its name", async () => {
    const piece = (members: object) => ({ tool_calls: [{ index: 0, ...members }] });
    const own = [
      piece({ id: "c1", type: "function", function: { name: "look", arguments: "" } }),
      piece({ function: { arguments: '{"at"' } }),
      piece({ function: { arguments: ":1}" } }),
      piece({ id: null, type: null, function: { name: null, arguments: "" } }),
    ];
    const text = `${own.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("")}data: [DONE]\n\n`;
    const named = { index: 0, id: "c1", type: "function" };
    expect(framesOf(await streamed(text, 1000))).toEqual([
      chunk({
        role: "assistant",
        tool_calls: [{ ...named, function: { name: "look", arguments: "" } }],
      }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"at"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
      chunk({}, "tool_calls"),
      "[DONE]",
    ]);
  });

  it("in OpenAI's shape, comments and errors pass byte for byte", async () => {
    const text = [
      ': warming up\r\n\r\ndata: {"choices":[{"index":0,"delta":{"content":"hi"}}],"n":1.0}\r\n\r\n',
      'data: {"error":{"message":"gone"}}\n\ndata:[DONE]\n\ndata: cut',
    ].join("");
    for (const size of [1, 5, 1000]) expect(await streamed(text, size)).toBe(text);
  });

  it("that is cut ends without an end", async () => {
    const frames = framesOf(await streamed('data: {"response":"hel"}\n\n', 1000));
    expect(frames).toEqual([chunk({ role: "assistant", content: "hel" })]);
  });
});

describe("a refusal", () => {
  it.each([
    [{ internalCode: 3040, description: "No capacity", name: "Error" }, 429, 429, 3040],
    [{ errors: [{ code: 5004, message: "No capacity" }] }, 400, 400, 5004],
    [{ errors: [{ code: 5007, message: "No capacity" }] }, 400, 404, 5007],
  ])(
    "%j is told as OpenAI would, a wrong model as ours to mend",
    async (said, status, as, code) => {
      const headers = { "retry-after": "3" };
      const refused = await asOpenAi(Response.json(said, { status, headers }), ABOUT, {
        stream: true,
      });
      expect(refused.status).toBe(as);
      expect(refused.headers.get("retry-after")).toBe("3");
      expect(await refused.json()).toMatchObject({ error: { message: "No capacity", code } });
    },
  );

  it("in plain words keeps them", async () => {
    const refused = await asOpenAi(new Response("oh no", { status: 500 }), ABOUT, {
      stream: false,
    });
    expect(await refused.json()).toMatchObject({ error: { message: "oh no", code: null } });
  });
});

describe("a request", () => {
  it("goes without the model's name, and without messages that have no content at all", () => {
    const calls = [{ id: "c1" }];
    const messages = [{ role: "assistant", content: null, tool_calls: calls }, { role: "user" }];
    expect(inputsOf({ model: "small", stream: true, messages })).toEqual({
      stream: true,
      messages: [
        { role: "assistant", content: "", tool_calls: calls },
        { role: "user", content: "" },
      ],
    });
  });

  it("that names no limit is held to the 256 tokens that these models say at most", () => {
    expect(mostTokens({})).toBe(256);
    expect(mostTokens({ max_tokens: 9 })).toBe(9);
    expect(mostTokens({ max_tokens: 9, max_completion_tokens: 5 })).toBe(5);
  });
});

async function whole(json: object): Promise<unknown> {
  return (await asOpenAi(Response.json(json), ABOUT, { stream: false })).json();
}

/** What becomes of an event stream that comes in pieces of so many bytes. */
async function streamed(text: string, size: number): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size)
        controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  return (await asOpenAi(response, ABOUT, { stream: true })).text();
}

function framesOf(text: string): unknown[] {
  const frames = text.split("\n\n").filter((frame) => frame !== "");
  return frames.map((frame) => {
    const data = frame.replace("data: ", "");
    return data === "[DONE]" ? data : (JSON.parse(data) as unknown);
  });
}

function chunk(delta: object, end: string | null = null) {
  const { mostTokens: _most, ...about } = ABOUT;
  const choices = [{ index: 0, delta, finish_reason: end }];
  return { ...about, object: "chat.completion.chunk", choices };
}
