import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sequelChunks, wholeUsage, withWholeUsage } from "../../../src/turn/sequel-frames.ts";
import { sequelRequest } from "../../../src/turn/sequel-request.ts";

const encoder = new TextEncoder();
const BODY = {
  model: "m",
  messages: [{ role: "user", content: "Count." }],
  temperature: 0,
  stream: true,
};

const requestOf = (text: string, tokens = 3, more: object = {}) =>
  sequelRequest(encoder.encode(JSON.stringify({ ...BODY, ...more })), { text, tokens });
const bodyOf = (request: ReturnType<typeof requestOf>) =>
  JSON.parse(new TextDecoder().decode(request?.bytes)) as Record<string, unknown>;

describe("the request for the rest of an answer", () => {
  it("has what was delivered as an open last message, whatever characters are in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (drawn) => {
        const text = `"one\\ ${drawn}.`;
        fc.pre(!/<\/?think/.test(text));
        expect(bodyOf(requestOf(text))).toEqual({
          ...BODY,
          messages: [...BODY.messages, { role: "assistant", content: text }],
          continue_final_message: true,
          add_generation_prompt: false,
        });
      }),
    );
  });

  it("leaves every other byte as the caller wrote it", () => {
    const body = `{ "seed":9007199254740993 ,"messages": [ {"role":"user","content":"a\\u0062"} ], "x":1.0 }`;
    const request = sequelRequest(encoder.encode(body), { text: "one", tokens: 1 });
    const text = new TextDecoder().decode(request?.bytes);
    expect(text).toContain('"seed":9007199254740993');
    expect(text).toContain('{"role":"user","content":"a\\u0062"}');
    expect(text).toContain('"x":1.0');
  });

  it("keeps white space at the end back, and counts it as a token that comes again", () => {
    expect(requestOf("one \n", 3)).toMatchObject({ owed: " \n", from: 2 });
    expect(requestOf("one", 3)).toMatchObject({ owed: "", from: 3 });
  });

  it("lowers what may and must come by what has come, under each of its names", () => {
    const limits = { max_tokens: 10, max_completion_tokens: 8, min_tokens: 2 };
    const request = requestOf("one", 3, limits);
    expect(request?.isSpent).toBe(false);
    expect(bodyOf(request)).toMatchObject({
      max_tokens: 7,
      max_completion_tokens: 5,
      min_tokens: 0,
    });
  });

  it("asks for one token, which nobody hears, where all that may come has come", () => {
    const request = requestOf("one", 3, { max_tokens: 3 });
    expect(request?.isSpent).toBe(true);
    expect(bodyOf(request)["max_tokens"]).toBe(1);
  });

  it.each([
    [{}, false],
    [{ presence_penalty: 0, frequency_penalty: null }, false],
    [{ temperature: 0.2 }, true],
    [{ temperature: null }, true],
    [{ presence_penalty: 0.5 }, true],
    [{ frequency_penalty: -1 }, true],
  ])("of %o is sampled anew: %s", (more, isSampledAnew) => {
    expect(requestOf("one", 3, more)?.isSampledAnew).toBe(isSampledAnew);
  });

  it.each(["", " \n", "<think>well", "well</think>one"])("cannot be made of %j", (text) => {
    expect(requestOf(text)).toBeUndefined();
  });
});

const chunk = (delta: object, end: string | null = null, more: object = {}) =>
  JSON.stringify({
    id: "a",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: end }],
    ...more,
  });
const rewrite = (
  data: readonly string[],
  owed = "",
  isSpent = false,
  first = chunk({ content: "one" }),
) => {
  const chunks = sequelChunks(first, { owed, isSpent });
  return data.map((one) => chunks(one)).filter((one) => one !== undefined);
};
const OTHER = { id: "b", created: 2, model: "other/m", system_fingerprint: "fp" };

describe("the chunks of a sequel", () => {
  it("have the names of the answer that they go on with, and none that it has not", () => {
    expect(rewrite([chunk({ content: "two" }, null, OTHER)])).toEqual([chunk({ content: "two" })]);
  });

  it("begin nothing anew", () => {
    const role = { role: "assistant" };
    expect(
      rewrite([
        chunk({ ...role, content: "" }),
        chunk({ ...role, content: null }),
        chunk({ ...role, content: "a" }),
      ]),
    ).toEqual([chunk({ content: "a" })]);
  });

  it("say no white space twice, in however many chunks it comes", () => {
    const said = (pieces: readonly string[]) =>
      rewrite(
        pieces.map((content) => chunk({ content })),
        "\n\n",
      )
        .map(
          (one) =>
            (JSON.parse(one) as { choices: [{ delta: { content: string } }] }).choices[0].delta
              .content,
        )
        .join("");
    expect(said(["\n\ntwo", "\n\n"])).toBe("two\n\n");
    expect(said(["\n", "\n", "\ntwo"])).toBe("\ntwo");
    expect(said(["\ntwo"])).toBe("two");
    expect(said(["two", "\n"])).toBe("two\n");
  });

  it("say only that the length was reached where all that may come has come", () => {
    expect(rewrite([chunk({ content: "two" }), chunk({}, "stop")], "", true)).toEqual([
      chunk({}, "length"),
    ]);
  });

  it("keep errors, usage and members that nobody knows", () => {
    const error = '{"error":{"message":"out of memory"}}';
    const usage = JSON.stringify({
      id: "a",
      created: 1,
      model: "m",
      choices: [],
      usage: { prompt_tokens: 1 },
    });
    const more = chunk({ content: "a", x: 9 }, null, { y: 8 });
    expect(rewrite([error, usage, more])).toEqual([error, usage, more]);
  });
});

describe("the usage of an answer and its sequel", () => {
  const request = { ...requestOf("one", 5), from: 5, isSpent: false } as NonNullable<
    ReturnType<typeof requestOf>
  >;

  it("has the caller's own prompt, and the output of both", () => {
    const usage = wholeUsage({ promptTokens: 25, outputTokens: 7 }, request);
    expect(usage).toEqual({ promptTokens: 20, outputTokens: 12 });
    const json = encoder.encode(
      '{"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"x":1}}',
    );
    expect(new TextDecoder().decode(withWholeUsage(json, usage))).toBe(
      '{"usage":{"prompt_tokens":20,"completion_tokens":12,"total_tokens":32,"x":1}}',
    );
  });

  it("does not count a token that nobody heard", () => {
    const spent = wholeUsage({ promptTokens: 25, outputTokens: 1 }, { ...request, isSpent: true });
    expect(spent).toEqual({ promptTokens: 20, outputTokens: 5 });
  });
});
