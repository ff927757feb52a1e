import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEdge, type Edge } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
afterAll(() => edge.settled());

/** JSON text as people and machines write it: odd spaces, escapes, numbers that no double holds. */
const space = fc.constantFrom("", "", " ", "\n", "\t ", "\r\n  ");
const number = fc.constantFrom(
  "0",
  "-0",
  "1e400",
  "1.10",
  "18446744073709551615",
  "-2.5E-3",
  "0.1e+1",
);
const text = fc.oneof(
  fc.string({ unit: "grapheme" }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '"\\u00e9\\/\\ud83d\\ude80"',
    '"\\ud800"',
    '"a\\"b\\\\"',
    '"}],{\\"model\\":1"',
    '"🚀é日本"',
  ),
);
const leaf = fc.oneof(number, text, fc.constantFrom("true", "false", "null", "{}", "[]"));
const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, leaf, tie("list"), tie("object")),
  list: fc
    .tuple(space, fc.array(tie("value"), { maxLength: 4 }))
    .map(([gap, items]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }))
    .map(
      ([gap, members]) => `{${members.map((one) => one.join(`${gap}:${gap}`)).join(`,${gap}`)}}`,
    ),
}));

const IMAGE =
  '{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}';
const message = fc.oneof(
  value.map((extra) => `{"role":"user","content":"hi","name":"n","extra":${extra}}`),
  text.map((content) => `{ "content" : ${content} , "role":"system" }`),
  text.map((content) => `{"role":"user","content":[{"type":"text","text":${content}},${IMAGE}]}`),
  value.map(
    (args) =>
      `{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":${JSON.stringify(args)}}}]}`,
  ),
  text.map((content) => `{"role":"tool","tool_call_id":"c1","content":${content}}`),
);
const messages = fc
  .tuple(space, fc.array(message, { minLength: 1, maxLength: 5 }))
  .map(([gap, items]) => `[${gap}${items.join(`,${gap}`)}]`);
const tools = value.map(
  (schema) => `[ {"type":"function","function":{"name":"f","parameters":${schema}}} ]`,
);
const unknown = fc
  .tuple(fc.string({ minLength: 1 }), value)
  .map(([name, raw]) => [`x-${name}`, raw] as const);

type Member = readonly [name: string, raw: string];

/** A request's members in any order; `model` and, in streams, `stream_options` are those that change. */
const request = fc
  .record({
    messages,
    tools: fc.option(tools, { nil: undefined }),
    stream: fc.boolean(),
    unknown: fc.array(unknown, { maxLength: 4 }),
    gaps: fc.tuple(space, space, space, space),
    seed: fc.integer(),
  })
  .chain(({ seed: _seed, ...drawn }) => {
    const members: Member[] = [
      ["model", '"small"'],
      ["messages", drawn.messages],
      ...(drawn.tools === undefined ? [] : [["tools", drawn.tools] as const]),
      ...(drawn.stream
        ? ([
            ["stream", "true"],
            ["stream_options", '{ "x" : 1e400 }'],
          ] as const)
        : []),
      ...drawn.unknown,
    ];
    return fc
      .shuffledSubarray(members, { minLength: members.length })
      .map((ordered) => ({ stream: drawn.stream, gaps: drawn.gaps, members: ordered }));
  });

function write(members: readonly Member[], gaps: readonly [string, string, string, string]) {
  const [before, around, after, end] = gaps;
  const written = members.map(
    ([name, raw]) => `${around}${JSON.stringify(name)}${after}:${around}${raw}${after}`,
  );
  return `${before}{${written.join(",")}${end}}${before}`;
}

describe("the bytes an engine receives", () => {
  it("are the client's, but for the members that are changed", async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ members, gaps }) => {
        edge.engine.forget();
        const answer = await edge.chat(write(members, gaps));
        const told = await answer.text();
        expect(answer.status, told).toBe(200);
        const expected = members.map(([name, raw]): Member => {
          if (name === "model") return [name, '"llama-8b"'];
          if (name !== "stream_options") return [name, raw];
          return [name, '{ "x" : 1e400,"include_usage":true }'];
        });
        expect(edge.engine.sent).toHaveLength(1);
        expect(new TextDecoder().decode(edge.engine.sent[0]?.body)).toBe(write(expected, gaps));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("are the client's whatever the size of a picture", async () => {
    edge.engine.forget();
    const picture = "A".repeat(3_000_000);
    const body = `{"model":"small","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${picture}"}}]}]}`;
    const answer = await edge.chat(body);
    expect(answer.status).toBe(200);
    const sent = new TextDecoder().decode(edge.engine.sent[0]?.body);
    expect(sent === body.replace("small", "llama-8b")).toBe(true);
  });
});
