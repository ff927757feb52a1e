import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sentBody as sentTo } from "./sent-leg.ts";

const DIALECTS = ["openai", "vllm-nixl", "vllm-nixl-push", "vllm-mooncake", "sglang", "llamacpp"];

describe.each(DIALECTS)("a leg in %s that does both phases", (dialect) => {
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
    const sent = sentTo(dialect, "both", `{"stream":true${options},"model":"a"}`, {
      stream: true,
    });
    expect(sent.match(/"stream_options":\{[^}]*\}/g)).toEqual([`"stream_options":{${merged}}`]);
  });

  it("puts the tenant's salt in place of what the client sent", () => {
    const body = '{"model":"a","cache_salt":"mine"}';
    expect(sentTo(dialect, "both", body, { cacheSalt: "ours", pool: { cacheSalt: true } })).toBe(
      '{"model":"own-name","cache_salt":"ours"}',
    );
  });

  it.each(["kv_transfer_params", "disaggregated_params", "bootstrap_host", "bootstrap_room"])(
    "takes out a caller's %s, which would choose where its cache goes",
    (name) => {
      const body = `{"model":"a","${name}":{"remote_host":"evil"}}`;
      expect(sentTo(dialect, "both", body)).toBe('{"model":"own-name"}');
    },
  );

  it("sends the session's cache key, unless the client has chosen one", () => {
    const given = { session: "session", pool: { promptCacheKey: true } };
    expect(sentTo(dialect, "both", '{"model":"a"}', given)).toBe(
      '{"model":"own-name","prompt_cache_key":"session"}',
    );
    const body = '{"model":"a","prompt_cache_key":"mine"}';
    expect(sentTo(dialect, "both", body, given)).toBe(
      '{"model":"own-name","prompt_cache_key":"mine"}',
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
  const leg = fc.constantFrom("both" as const, "prefill" as const, "decode" as const);
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
  "disaggregated_params",
  "bootstrap_host",
  "bootstrap_port",
  "bootstrap_room",
  "cache_hit_threshold",
]);
