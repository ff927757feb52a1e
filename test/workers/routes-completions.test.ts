import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { AUTH, createEdge, type Edge } from "./edge.ts";
import { streamOf } from "./fake-engine.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
afterEach(async () => {
  await edge.settled();
  edge.engine.forget();
});

const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
const HEAD = { id: "cmpl-1", object: "text_completion", created: 1, model: "m" };
const LOGPROBS = { tokens: [" upon"], token_logprobs: [-0.1], top_logprobs: [], text_offset: [4] };

function complete(body: object | string, headers: Record<string, string> = {}) {
  return edge.call("/v1/completions", {
    method: "POST",
    headers: { ...AUTH, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

function whole(): Response {
  // As no serializer writes it.
  const choice = `{"index":0,"text":" upon","logprobs":${JSON.stringify(LOGPROBS)},"finish_reason":"length"}`;
  return new Response(
    `{ "id":"cmpl-1","object":"text_completion","seed":18446744073709551615,"choices":[ ${choice} ],"usage":${JSON.stringify(USAGE)}}\n`,
    { headers: { "content-type": "application/json" } },
  );
}

const FRAMES = [" upon", " a"].map((text) =>
  JSON.stringify({ ...HEAD, choices: [{ index: 0, text, logprobs: null, finish_reason: null }] }),
);
const LAST = JSON.stringify({
  ...HEAD,
  choices: [{ index: 0, text: "", logprobs: null, finish_reason: "length" }],
});
const COUNTED = JSON.stringify({ ...HEAD, choices: [], usage: USAGE });

async function receiptOf(response: Response) {
  const id = response.headers.get("phaseway-receipt") ?? "";
  const receipt = await edge.call(`/v1/receipts/${id}`, { headers: AUTH });
  expect(receipt.status).toBe(200);
  return receipt.json<Record<string, unknown>>();
}

describe("POST /v1/completions", () => {
  it("brings the client's bytes to an engine and its answer back, byte for byte", async () => {
    edge.engine.answers(whole);
    const sent = '{"model":"small", "prompt":"Once","seed":18446744073709551615,"logprobs":1}';
    const response = await complete(sent);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(await whole().text());
    const [one] = edge.engine.sent;
    expect(one?.url).toMatch(/\/llama-8b\/\d\/v1\/completions$/);
    expect(new TextDecoder().decode(one?.body)).toBe(
      '{"model":"llama-8b", "prompt":"Once","seed":18446744073709551615,"logprobs":1}',
    );
  });

  it("streams the engine's frames as they came, usage only for who asks", async () => {
    edge.engine.answers(() => streamOf([...FRAMES, LAST, COUNTED, "[DONE]"]));
    const text = (frames: string[]) => frames.map((data) => `data: ${data}\n\n`).join("");
    const plain = await complete({ model: "small", prompt: "Once", stream: true });
    expect(await plain.text()).toBe(text([...FRAMES, LAST, "[DONE]"]));
    expect(edge.engine.sent[0]?.json).toMatchObject({ stream_options: { include_usage: true } });
    const stream_options = { include_usage: true };
    const asked = await complete({ model: "small", prompt: "Once", stream: true, stream_options });
    expect(await asked.text()).toBe(text([...FRAMES, LAST, COUNTED, "[DONE]"]));
  });

  it.each([
    ["text", "Once"],
    ["texts", ["Once", "Twice"]],
    ["tokens", [1, 2, 3]],
    ["lists of tokens", [[1, 2], [3]]],
  ])("passes %s on as they came", async (_, prompt) => {
    edge.engine.answers(whole);
    const more = { echo: true, n: 2, best_of: 2, suffix: ".", stop: ["x"] };
    const response = await complete({ model: "small", prompt, ...more });
    expect(response.status).toBe(200);
    expect(edge.engine.sent[0]?.json).toMatchObject({ prompt, ...more });
  });

  it("is classified, planned and receipted like a chat", async () => {
    edge.engine.answers(whole);
    const prompt = Array.from({ length: 5000 }, (_, n) => n);
    const response = await complete({ model: "small", prompt, max_tokens: 1 });
    expect(response.headers.get("phaseway-labels")).toContain('context="medium"');
    expect(response.headers.get("phaseway-labels")).toContain('phase="prefill-heavy"');
    await response.text();
    await edge.settled();
    expect(await receiptOf(response)).toMatchObject({
      status: "completed",
      model: "llama-8b",
      promptTokens: 9,
      outputTokens: 2,
      work: [{ leg: "both", outcome: "served" }],
    });
  });

  it("holds each prompt of a list to the context window, not all of them together", async () => {
    edge.engine.answers(whole);
    const prompt = Array.from({ length: 1500 }, () => 7);
    const many = await complete({ model: "large", prompt: [prompt, prompt, prompt] });
    expect(many.status).toBe(200);
    const long = await complete({ model: "large", prompt: [...prompt, ...prompt, ...prompt] });
    expect(long.status).toBe(400);
    expect(await long.json()).toMatchObject({
      error: { code: "context_length_exceeded", param: "prompt" },
    });
  });

  it("has a session where a header names one, and else none", async () => {
    edge.engine.answers(whole);
    const none = await complete({ model: "small", prompt: "Once" });
    expect(none.headers.has("phaseway-session")).toBe(false);
    const key = crypto.randomUUID();
    for (let turn = 0; turn < 2; turn++) {
      await (await complete({ model: "small", prompt: "Once" }, { "x-session-id": key })).text();
      await edge.settled();
    }
    const last = await complete({ model: "small", prompt: "Once" }, { "x-session-id": key });
    const id = last.headers.get("phaseway-session");
    await edge.settled();
    const view = await edge.call(`/v1/sessions/${id}`, { headers: AUTH });
    expect(await view.json()).toMatchObject({ stats: { turns: 3 } });
  });

  it("gives an engine's refusal back as it is", async () => {
    const error =
      '{"error":{"message":"suffix is not supported","type":"BadRequestError","code":400}}';
    const headers = { "content-type": "application/json" };
    edge.engine.answers(() => new Response(error, { status: 400, headers }));
    const response = await complete({ model: "small", prompt: "Once", suffix: "." });
    expect(response.status).toBe(400);
    expect(await response.text()).toBe(error);
  });

  it("goes to another engine when one breaks before it said anything", async () => {
    let tries = 0;
    edge.engine.answers(() => (tries++ === 0 ? new Response(null, { status: 500 }) : whole()));
    const response = await complete({ model: "small", prompt: "Once" });
    expect(response.status).toBe(200);
    expect(edge.engine.sent).toHaveLength(2);
  });
});
