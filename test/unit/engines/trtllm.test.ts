import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMemberOf } from "../../../src/core/json-members.ts";
import { dialectOf } from "../../../src/engines/registry.ts";
import { sentBody, splitAt } from "./sent-leg.ts";

const CLIENT =
  '{"model":"a","stream":true,"stream_options":{"x":1},"max_tokens":50,"messages":[],"disaggregated_params":{"ctx_info_endpoint":"evil"},"prompt_token_ids":[6,6,6]}';
/** Every parameter that TensorRT-LLM 1.0 knows. */
const KNOWN_SINCE_1_0 = [
  "request_type",
  "first_gen_tokens",
  "ctx_request_id",
  "encoded_opaque_state",
  "draft_tokens",
];

const paramsOf = (body: string) => rawMemberOf(body, "disaggregated_params") ?? "";
const namesIn = (object: string) => Object.keys(JSON.parse(object) as object);

/** What a dialect makes of the whole body of a prefill answer. */
function prefillAnswer(dialect: string, body: string) {
  const { handoff, usage, final } = dialectOf(dialect).readPrefill(new TextEncoder().encode(body));
  return { handoff: handoff?.raw, usage, final: final && new TextDecoder().decode(final) };
}

describe("a context leg in trtllm", () => {
  it("asks for the context alone, whole, and leaves the length of the answer as it was", () => {
    expect(sentBody("trtllm", "prefill", CLIENT, { stream: true })).toBe(
      '{"model":"own-name","stream":false,"max_tokens":50,"messages":[],"disaggregated_params":{"request_type":"context_only"}}',
    );
  });

  it("names the transfer for engines that tell of theirs, differently for each try", () => {
    const learned = '{"ctx_dp_rank":0}';
    const named = ["req_1", "req_1-1", "req_2"].map((requestId) => {
      const params = paramsOf(sentBody("trtllm", "prefill", CLIENT, { learned, requestId }));
      expect(namesIn(params)).toEqual(["request_type", "disagg_request_id"]);
      return BigInt(rawMemberOf(params, "disagg_request_id") ?? "");
    });
    expect(new Set(named).size).toBe(3);
    for (const number of named) expect(number >= 1n << 62n && number < 1n << 63n).toBe(true);
  });
});

describe("a generation leg in trtllm", () => {
  const number = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
  const params = fc.record({
    ctx: number,
    opaque: fc.string(),
    first: fc.array(fc.nat(200_000)),
    name: fc.option(number),
    spaced: fc.boolean(),
  });
  type Drawn = typeof params extends fc.Arbitrary<infer Value> ? Value : never;
  const rawParams = ({ ctx, opaque, first, name, spaced }: Drawn) => {
    const at = spaced ? " :\n " : ":";
    const named = name === null ? "" : `,"disagg_request_id"${at}${name}`;
    return (type: string) =>
      `{"request_type"${at}"${type}","first_gen_tokens"${at}${JSON.stringify(first)},"ctx_request_id"${at}${ctx},"encoded_opaque_state"${at}${JSON.stringify(opaque)}${named},"draft_tokens"${at}null}`;
  };

  it("is sent the context engine's own bytes, only told to generate, and the prompt's token ids", () => {
    fc.assert(
      fc.property(params, fc.array(number), (drawn, ids) => {
        const raw = rawParams(drawn);
        const tokens = `[ ${ids.join(" , ")} ]`;
        const answer = `{"prompt_token_ids":${tokens},"choices":[ {"finish_reason":"length","disaggregated_params":${raw("context_only")}} ]}`;
        const { handoff } = prefillAnswer("trtllm", answer);
        const sent = sentBody("trtllm", "decode", '{"model":"a","messages":[],"seed":1.0}', {
          handoff: handoff ?? "",
        });
        expect(sent).toBe(
          `{"model":"own-name","messages":[],"seed":1.0,"disaggregated_params":${raw("generation_only")},"prompt_token_ids":${tokens}}`,
        );
      }),
    );
  });

  it("replaces what the client sent of both", () => {
    const raw = '{"disaggregated_params":{"ctx_request_id":9},"prompt_token_ids":[1,2]}';
    const sent = sentBody("trtllm", "decode", CLIENT, { handoff: raw });
    expect(sent).toContain(
      '"disaggregated_params":{"ctx_request_id":9,"request_type":"generation_only"},"prompt_token_ids":[1,2]',
    );
    expect(sent).not.toContain("evil");
  });

  it("gets the ids as its prompt where that is no chat", () => {
    const raw = '{"disaggregated_params":{"ctx_request_id":9},"prompt_token_ids":[1,2]}';
    const sent = sentBody("trtllm", "decode", '{"model":"a","prompt":"hi"}', { handoff: raw });
    expect(sent).toContain('"prompt":[1,2]');
    expect(sent).not.toContain("prompt_token_ids");
  });

  it("gets no ids from versions that tell none", () => {
    const choice = `{"finish_reason":"length","disaggregated_params":{"ctx_request_id":9}}`;
    const { handoff } = prefillAnswer("trtllm", `{"choices":[${choice}]}`);
    const sent = sentBody("trtllm", "decode", '{"model":"a","messages":[]}', {
      handoff: handoff ?? "",
    });
    expect(namesIn(sent)).toEqual(["model", "messages", "disaggregated_params"]);
    for (const name of namesIn(paramsOf(sent))) expect(KNOWN_SINCE_1_0).toContain(name);
  });
});

describe("a leg in trtllm that does both phases", () => {
  it.each(["trtllm", "trtllm-gen-first"])("keeps what routers say out of %s", (dialect) => {
    const client = CLIENT.replace('"stream":true,"stream_options":{"x":1},', "");
    expect(sentBody(dialect, "both", client)).toBe(
      '{"model":"own-name","max_tokens":50,"messages":[]}',
    );
  });

  it.each([
    ["", '{"continuous_usage_stats":false,"include_usage":true}'],
    [',"stream_options":{"x":1}', '{"x":1,"continuous_usage_stats":false,"include_usage":true}'],
    [
      ',"stream_options":{"continuous_usage_stats":true}',
      '{"continuous_usage_stats":true,"include_usage":true}',
    ],
  ])(
    "asks for usage at the end of a stream, and only there unless the client does: %s",
    (options, merged) => {
      const sent = sentBody("trtllm", "both", `{"model":"a"${options}}`, { stream: true });
      expect(rawMemberOf(sent, "stream_options")).toBe(merged);
    },
  );
});

describe("a context answer of trtllm", () => {
  const answer = (reason: string, params: string) =>
    `{"id":"x","choices":[{"index":0,"message":{"content":"."},"finish_reason":${reason},"disaggregated_params":${params}}],"usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}},"prompt_token_ids":[1,2]}`;

  it("tells the usage of the prompt, cached tokens included", () => {
    const { usage } = prefillAnswer("trtllm", answer('"length"', '{"ctx_request_id":1}'));
    expect(usage).toEqual({ promptTokens: 9, outputTokens: 1, cachedTokens: 4 });
  });

  it.each(['"stop"', '"tool_calls"'])("that ended with %s is the answer", (reason) => {
    const { handoff, final } = prefillAnswer("trtllm", answer(reason, '{"ctx_request_id":1}'));
    expect(handoff).toBeUndefined();
    expect(final).toBe(
      `{"id":"x","choices":[{"index":0,"message":{"content":"."},"finish_reason":${reason}}],"usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}}}`,
    );
  });

  it.each(['"length"', '"not_finished"', "null"])("that ended with %s goes on", (reason) => {
    const { handoff, final } = prefillAnswer("trtllm", answer(reason, '{"ctx_request_id":1}'));
    expect(handoff).toContain('"ctx_request_id":1');
    expect(final).toBeUndefined();
  });

  it.each(["null", "{}", '{"ctx_request_id":null}'])("hands over nothing with %s", (params) => {
    const told = prefillAnswer("trtllm", answer('"length"', params));
    expect(told).toMatchObject({ handoff: undefined, final: undefined });
  });
});

describe("what trtllm engines are asked once", () => {
  const learns = (dialect: string) => {
    const { learns: asked } = dialectOf(dialect);
    if (asked === undefined || !("url" in asked)) throw new TypeError("it asks nothing");
    return asked;
  };
  const read = (dialect: string, info: string) =>
    learns(dialect).read(new TextEncoder().encode(info));

  it("is how their transfers are reached", () => {
    const engine = { url: "http://ctx:8000/a" };
    for (const dialect of ["trtllm", "trtllm-gen-first"])
      expect(learns(dialect).url(engine)).toBe("http://ctx:8000/a/server_info");
  });

  it("does not matter to context first where it is not known, and decides generation first", () => {
    expect(learns("trtllm").unknown).toBe(read("trtllm", "{}"));
    expect(learns("trtllm-gen-first").unknown).toBeUndefined();
    for (const info of ["{}", '{"disaggregated_params":{"ctx_info_endpoint":[]}}'])
      expect(() => read("trtllm-gen-first", info)).toThrow(SyntaxError);
  });

  it.each([
    ['["tcp://10.0.0.1:5000","tcp://10.0.0.2:5000"]', ""],
    ['"tcp://10.0.0.1:5000"', ',"ctx_dp_rank":18446744073709551615'],
  ])("is kept as told, and nothing else of it: %s", (endpoint, more) => {
    const info = `{"disaggregated_params":{"other":1,"ctx_info_endpoint":${endpoint}${more}}}`;
    expect(read("trtllm-gen-first", info)).toBe(
      `{"ctx_info_endpoint":"tcp://10.0.0.1:5000"${more}}`,
    );
  });
});

describe("the legs of a split in trtllm-gen-first", () => {
  const sent = (leg: "prefill" | "decode", rendezvous: string) =>
    sentBody("trtllm-gen-first", leg, CLIENT, {
      learned: '{"ctx_info_endpoint":"tcp://10.0.0.1:5000"}',
      split: splitAt(rendezvous),
    });

  it("meet by one number of 64 bits that no engine gives out itself", () => {
    const rendezvous = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(String);
    fc.assert(
      fc.property(rendezvous, (name) => {
        const number = (1n << 62n) + BigInt(name);
        expect(paramsOf(sent("prefill", name))).toBe(
          `{"request_type":"context_only","disagg_request_id":${number},"schedule_style":1}`,
        );
        expect(paramsOf(sent("decode", name))).toBe(
          `{"ctx_info_endpoint":"tcp://10.0.0.1:5000","request_type":"generation_only","ctx_request_id":${number},"disagg_request_id":${number},"schedule_style":1}`,
        );
      }),
    );
  });

  it("leave the end of the answer to generation", () => {
    const answer = '{"choices":[{"finish_reason":"stop"}]}';
    expect(prefillAnswer("trtllm-gen-first", answer)).toEqual({
      handoff: undefined,
      usage: undefined,
      final: undefined,
    });
  });
});

it.each(["hasBeamSearch", "hasLogprobs", "hasBestOf"] as const)(
  "trtllm splits no request of which %s is true",
  (trait) => {
    const plain = {
      n: 1,
      hasBestOf: false,
      hasBeamSearch: false,
      hasLogprobs: false,
      hasPromptLogprobs: false,
      hasEcho: false,
      hasListPrompt: false,
    };
    expect(dialectOf("trtllm").splits(plain)).toBe(true);
    expect(dialectOf("trtllm").splits({ ...plain, [trait]: true })).toBe(false);
  },
);
