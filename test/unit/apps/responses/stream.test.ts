import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apiError } from "../../../../src/apps/errors.ts";
import { renderStream } from "../../../../src/http/render-answer.ts";
import { checkResponseEvents, responseEvents } from "../../../support/response-events.ts";
import { chunk, rendererOf } from "./rendering.ts";

/** Frames of an answer in which kinds of text and calls follow each other in any order and pieces. */
const frames = fc
  .record({
    pieces: fc.array(
      fc.oneof(
        fc.record({ reasoning_content: fc.string() }),
        fc.record({ reasoning: fc.string() }),
        fc.record({ content: fc.string() }),
        fc.record({ refusal: fc.string() }),
        fc.record({ role: fc.constant("assistant"), content: fc.constant("") }),
        fc.record({ index: fc.nat(2), arguments: fc.string() }),
      ),
    ),
    finish: fc.constantFrom("stop", "tool_calls", "length", "content_filter"),
    usageIn: fc.constantFrom("own", "last", "none"),
  })
  .map(({ pieces, finish, usageIn }) => {
    const called = new Set<number>();
    const deltas = pieces.map((piece) => {
      if (!("index" in piece)) return piece;
      const { index, arguments: text } = piece;
      const begins = !called.has(index);
      called.add(index);
      const head = begins ? { id: `call_${index}`, type: "function" } : {};
      const named = begins ? { name: `f${index}` } : {};
      return { tool_calls: [{ index, ...head, function: { ...named, arguments: text } }] };
    });
    const usage = { prompt_tokens: 7, completion_tokens: 3 };
    return {
      deltas,
      finish,
      frames: [
        ...deltas.map((delta) => chunk(delta)),
        chunk({}, finish, usageIn === "last" ? usage : null),
        ...(usageIn === "own" ? [JSON.stringify({ choices: [], usage })] : []),
      ],
      hasUsage: usageIn !== "none",
    };
  });

describe("a streamed response", () => {
  it("tells whatever an engine sends in OpenAI's order, and ends with all of it", async () => {
    await fc.assert(
      fc.asyncProperty(frames, async ({ frames, deltas, finish, hasUsage }) => {
        const renderer = rendererOf();
        const events = responseEvents(
          [...frames.map(renderer.frame), await renderer.end()].join(""),
        );
        const response = checkResponseEvents(events);
        const isWhole = finish === "stop" || finish === "tool_calls";
        expect(response["status"]).toBe(isWhole ? "completed" : "incomplete");
        expect(response["usage"] !== null).toBe(hasUsage);
        expect(said(response["output"] as Item[])).toEqual(saidBy(deltas));
      }),
    );
  });

  it("is the same however its bytes are cut on their way", async () => {
    const encoder = new TextEncoder();
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(4000)), async ({ frames }, at) => {
        const all = [...frames.map((data) => `data: ${data}\n\n`), "data: [DONE]\n\n"].join("");
        const bytes = encoder.encode(`: keep-alive\n\n${all}`);
        const ends = [...new Set([...at, bytes.length])].toSorted((a, b) => a - b);
        const chunks = ends.map((end, n) => bytes.slice(ends[n - 1] ?? 0, end));
        const cut = new Response(renderStream(ReadableStream.from(chunks), rendererOf()));
        const once = new Response(renderStream(ReadableStream.from([bytes]), rendererOf()));
        const text = await cut.text();
        checkResponseEvents(responseEvents(text));
        expect(text).toBe(await once.text());
      }),
    );
  });

  it("is the whole response of the same answer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (thought, text, args) => {
        const calls = [{ id: "call_1", function: { name: "f", arguments: args } }];
        const message = { reasoning_content: thought, content: text, tool_calls: calls };
        const streamed = rendererOf();
        const frames = [
          { reasoning_content: thought },
          { content: text },
          { tool_calls: calls.map((call) => ({ index: 0, ...call })) },
        ].map((delta) => streamed.frame(chunk(delta)));
        const last = streamed.frame(chunk({}, "tool_calls"));
        const events = responseEvents([...frames, last, await streamed.end()].join(""));
        const choices = [{ index: 0, message, finish_reason: "tool_calls" }];
        const whole: unknown = JSON.parse(await rendererOf().whole(JSON.stringify({ choices })));
        expect(checkResponseEvents(events)).toEqual(whole);
      }),
    );
  });

  it("breaks off in order wherever it does", () => {
    fc.assert(
      fc.property(frames, fc.nat(), ({ frames }, at) => {
        const renderer = rendererOf();
        const begun = frames.slice(0, at % (frames.length + 1)).map(renderer.frame);
        const broken = renderer.error(apiError("engine_failed", "The engine failed."));
        const events = responseEvents([...begun, broken].join(""));
        const response = checkResponseEvents(events);
        expect(response).toMatchObject({ status: "failed", error: { code: "server_error" } });
        expect(events.at(-2)).toMatchObject({ type: "error", code: "engine_failed", param: null });
      }),
    );
  });

  it("has begun when nothing but silence has been told", async () => {
    const renderer = rendererOf();
    const silence = renderer.keepAlive();
    expect(silence).toMatch(/: keep-alive\n\n$/);
    const rest = [chunk({ content: "hi" }), chunk({}, "stop")].map(renderer.frame);
    checkResponseEvents(responseEvents([silence, ...rest, await renderer.end()].join("")));
    expect(renderer.keepAlive()).toBe(": keep-alive\n\n");
  });

  it("waits for the name of a call, and refuses one that never has any", async () => {
    const renderer = rendererOf();
    const first = renderer.frame(chunk(call({ id: "call_1", function: { arguments: "{" } })));
    expect(responseEvents(first)).toHaveLength(2);
    const named = renderer.frame(chunk(call({ function: { name: "f", arguments: "}" } })));
    const response = checkResponseEvents(responseEvents(first + named + (await renderer.end())));
    expect(response["output"]).toMatchObject([{ name: "f", arguments: "{}", call_id: "call_1" }]);
    const nameless = rendererOf();
    nameless.frame(chunk(call({ function: { arguments: "{}" } })));
    await expect(nameless.end()).rejects.toThrow(SyntaxError);
  });

  it("parts the calls of an engine that puts all in one place", async () => {
    const renderer = rendererOf();
    const named = (id: string, name: string) => call({ id, function: { name, arguments: "" } });
    const deltas = [
      named("c0", "f"),
      call({ function: { arguments: "{}" } }),
      named("c1", "g"),
      call({ id: "c1", function: { arguments: "[]" } }),
    ];
    const frames = deltas.map((delta) => renderer.frame(chunk(delta)));
    const response = checkResponseEvents(responseEvents(frames.join("") + (await renderer.end())));
    expect(response["output"]).toMatchObject([
      { call_id: "c0", name: "f", arguments: "{}" },
      { call_id: "c1", name: "g", arguments: "[]" },
    ]);
  });

  it("does not begin with what is no chunk", () => {
    const renderer = rendererOf();
    expect(() => renderer.frame("nonsense")).toThrow(SyntaxError);
    expect(() => renderer.frame(`{"choices":"none"}`)).toThrow(SyntaxError);
    const broken = renderer.error(apiError("engine_failed", "The engine failed."));
    checkResponseEvents(responseEvents(broken));
  });

  it("tells the log probabilities of its text", async () => {
    const logprobs = [{ token: "hi", logprob: -0.5, bytes: [104, 105], top_logprobs: [] }];
    const renderer = rendererOf();
    const choice = { index: 0, delta: { content: "hi" }, logprobs: { content: logprobs } };
    const frame = renderer.frame(JSON.stringify({ choices: [choice] }));
    const events = responseEvents(frame + (await renderer.end()));
    const response = checkResponseEvents(events);
    const parts = [{ type: "output_text", text: "hi", annotations: [], logprobs }];
    expect(response["output"]).toMatchObject([{ content: parts }]);
    expect(events.filter(({ type }) => type.startsWith("response.output_text"))).toMatchObject([
      { delta: "hi", logprobs },
      { text: "hi", logprobs },
    ]);
  });
});

const call = (fragment: object) => ({ tool_calls: [{ index: 0, ...fragment }] });

type Item = { readonly type: string } & Record<string, unknown>;
type Part = { readonly type: string; readonly text?: string; readonly refusal?: string };

/** All that the items say, by kind. */
function said(output: readonly Item[]) {
  const parts = output.flatMap((item) => (item["content"] as Part[] | undefined) ?? []);
  const textOf = (type: string) =>
    parts.flatMap((part) => (part.type === type ? [part.text ?? part.refusal] : [])).join("");
  const calls = output.filter(({ type }) => type === "function_call");
  return {
    reasoning: textOf("reasoning_text"),
    text: textOf("output_text"),
    refusal: textOf("refusal"),
    calls: calls.map((item) => [item["name"], item["call_id"], item["arguments"]]),
  };
}

function saidBy(deltas: readonly object[]) {
  const calls = new Map<number, unknown[]>();
  const texts = { reasoning: "", text: "", refusal: "" };
  for (const delta of deltas as Record<string, unknown>[]) {
    texts.reasoning += String(delta["reasoning_content"] ?? delta["reasoning"] ?? "");
    texts.text += String(delta["content"] ?? "");
    texts.refusal += String(delta["refusal"] ?? "");
    for (const { index, function: called } of (delta["tool_calls"] ?? []) as Fragment[]) {
      const [name, id, args] = calls.get(index) ?? [called.name, `call_${index}`, ""];
      calls.set(index, [name, id, `${args}${called.arguments}`]);
    }
  }
  return { ...texts, calls: [...calls.values()] };
}

type Fragment = {
  readonly index: number;
  readonly function: { readonly name?: string; readonly arguments: string };
};
