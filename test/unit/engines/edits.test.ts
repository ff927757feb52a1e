import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMember, splice, topLevelMembers } from "../../../src/core/json-members.ts";
import { dialectOf } from "../../../src/engines/registry.ts";

type Leg = "both" | "prefill" | "decode";
type Order = {
  readonly stream?: boolean;
  readonly handoff?: string;
  readonly cacheSalt?: string;
};

/** The body that a leg's engine receives for a client's body. */
function sentTo(dialect: string, leg: Leg, body: string, order: Order = {}): string {
  const bytes = new TextEncoder().encode(body);
  const members = topLevelMembers(bytes);
  const { edits } = dialectOf(dialect).write({
    leg,
    requestId: "req_1",
    present: new Set(members.map(({ name }) => name)),
    raw: (name) => rawMember(bytes, [name]),
    stream: order.stream ?? false,
    model: "own-name",
    ...(order.handoff !== undefined && { handoff: { raw: order.handoff } }),
    ...(order.cacheSalt !== undefined && { cacheSalt: order.cacheSalt }),
  });
  return new TextDecoder().decode(splice(bytes, members, edits));
}

describe.each(["openai", "vllm-nixl"])("a leg in %s that does both phases", (dialect) => {
  it("changes the model's name alone", () => {
    expect(sentTo(dialect, "both", '{ "model" : "alias", "seed":1.0 }')).toBe(
      '{ "model" : "own-name", "seed":1.0 }',
    );
  });

  it.each([
    ["", '"include_usage":true'],
    [',"stream_options":null', '"include_usage":true'],
    [',"stream_options":{}', '"include_usage":true'],
    [',"stream_options":{"include_usage":false}', '"include_usage":true'],
    [',"stream_options":{"a":1}', '"a":1,"include_usage":true'],
    [
      ',"stream_options":{"include_obfuscation":false,"include_usage":null}',
      '"include_obfuscation":false,"include_usage":true',
    ],
    [',"stream_options":{"a":1},"stream_options":{"b":2}', '"b":2,"include_usage":true'],
  ])("asks for the usage of a stream and keeps its other options: %s", (options, merged) => {
    const sent = sentTo(dialect, "both", `{"stream":true${options},"model":"a"}`, { stream: true });
    expect(sent.match(/"stream_options":\{[^}]*\}/g)).toEqual([`"stream_options":{${merged}}`]);
  });

  it("puts the tenant's salt in place of what the client sent", () => {
    const body = '{"model":"a","cache_salt":"mine"}';
    expect(sentTo(dialect, "both", body, { cacheSalt: "ours" })).toBe(
      '{"model":"own-name","cache_salt":"ours"}',
    );
  });

  it("does not touch the stream options of an answer that is no stream", () => {
    const body = '{"model":"a","stream_options":{"x":1}}';
    expect(sentTo(dialect, "both", body)).toBe(body.replace('"a"', '"own-name"'));
  });
});

describe("a prefill leg in vllm-nixl", () => {
  it("asks for one token, whole, and for a handle", () => {
    const body =
      '{"model":"a","stream":true,"stream_options":{"x":1},"max_tokens":50,"min_tokens":4,"messages":[]}';
    expect(JSON.parse(sentTo("vllm-nixl", "prefill", body, { stream: true }))).toEqual({
      model: "own-name",
      stream: false,
      max_tokens: 1,
      messages: [],
      kv_transfer_params: expect.objectContaining({ do_remote_decode: true }),
    });
  });

  it("limits both ways of saying how long the answer may be", () => {
    const sent = JSON.parse(
      sentTo("vllm-nixl", "prefill", '{"max_completion_tokens":9,"model":"a"}'),
    );
    expect(sent).toMatchObject({ max_tokens: 1, max_completion_tokens: 1 });
  });
});

describe("a decode leg in vllm-nixl", () => {
  const handle = '{"remote_block_ids":[18446744073709551615], "remote_host":"10.0.0.7"}';

  it("carries the handle as it came, in place of any that the client sent", () => {
    const body = '{"kv_transfer_params":{"remote_host":"evil"},"model":"a","max_tokens":50}';
    expect(sentTo("vllm-nixl", "decode", body, { handoff: handle })).toBe(
      `{"kv_transfer_params":${handle},"model":"own-name","max_tokens":50}`,
    );
  });

  it("carries none when there is none, least of all the client's", () => {
    const body = '{"kv_transfer_params":{"remote_host":"evil"},"model":"a"}';
    for (const leg of ["decode", "both"] as const) {
      expect(sentTo("vllm-nixl", leg, body)).toBe('{"model":"own-name"}');
    }
  });
});

it("copies every member it does not change, whatever it is named and holds", () => {
  const name = fc.string().filter((text) => !CHANGED.has(text));
  const members = fc.array(fc.tuple(name, fc.json()), { maxLength: 6 });
  const leg = fc.constantFrom("both", "prefill", "decode") satisfies fc.Arbitrary<Leg>;
  fc.assert(
    fc.property(members, leg, fc.boolean(), (drawn, leg, stream) => {
      const own = drawn.map(([key, raw]) => `${JSON.stringify(key)} :\n${raw}`).join(" , ");
      const rest = own === "" ? "" : ` , ${own}`;
      const sent = sentTo("vllm-nixl", leg, `{"model":"a"${rest}}`, { stream });
      expect(sent.startsWith(`{"model":"own-name"${rest}`)).toBe(true);
      expect(() => JSON.parse(sent) as unknown).not.toThrow();
    }),
  );
});

const CHANGED = new Set([
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "min_tokens",
  "min_completion_tokens",
  "kv_transfer_params",
]);
