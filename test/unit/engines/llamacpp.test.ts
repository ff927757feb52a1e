import { describe, expect, it } from "vitest";
import { llamacpp } from "../../../src/engines/llamacpp/dialect.ts";
import { sentBody } from "./sent-leg.ts";

const BODY = '{"model":"a","messages":[],"stream":true,"max_tokens":50}';
const HANDLE =
  '{"handle":"kv_x", "from":"http://10.0.0.7:8080","tokens":9007199254740993,"bytes":7,"model":"m","lease_ms":30000}';

describe("a split in llamacpp", () => {
  it("has prefill leave the prompt's state and say nothing", () => {
    expect(JSON.parse(sentBody("llamacpp", "prefill", BODY))).toEqual({
      model: "own-name",
      messages: [],
      stream: false,
      max_tokens: 1,
      kv_transfer_params: { leave: "prompt" },
    });
  });

  it("sends decode the handle byte for byte", () => {
    const sent = sentBody("llamacpp", "decode", BODY, { handoff: HANDLE });
    expect(sent).toContain(`"kv_transfer_params":{"fetch":${HANDLE}}`);
  });

  it("sends no handle of an engine that gave none", () => {
    const sent = sentBody("llamacpp", "decode", BODY, { handoff: '{"fetched":{"failed":"gone"}}' });
    expect(sent).not.toContain("kv_transfer_params");
    expect(prefillAnswer('{"kv_transfer_params":{"fetched":{}}}').handoff).toBeUndefined();
  });

  it("reads what prefill left and used, none of which was said", () => {
    const usage =
      '{"prompt_tokens":90,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":16}}';
    expect(prefillAnswer(`{"kv_transfer_params":${HANDLE},"usage":${usage}}`)).toEqual({
      handoff: { raw: HANDLE },
      usage: { promptTokens: 90, outputTokens: 0, cachedTokens: 16 },
    });
  });

  it("tells by its usage whether decode fetched the prompt or computed some of it", () => {
    const took = (cachedTokens?: number) =>
      llamacpp.tookHandoff({
        promptTokens: 90,
        outputTokens: 5,
        ...(cachedTokens !== undefined && { cachedTokens }),
      });
    expect([took(89), took(16), took(0), took()]).toEqual([true, false, false, undefined]);
  });
});

describe("a llamacpp engine that is to pull a prefix", () => {
  it.each(["prefill", "both"] as const)("is told the other's URL: %s", (leg) => {
    const sent = JSON.parse(sentBody("llamacpp", leg, BODY, { pull: "d/0" })) as Sent;
    expect(sent.kv_transfer_params).toMatchObject({ pull: { from: "http://d/0" } });
  });

  it("fetches by its handle what it is handed as well", () => {
    const sent = sentBody("llamacpp", "prefill", BODY, { pull: "d/0", kept: HANDLE });
    expect(sent).toContain(`"fetch":${HANDLE}`);
    expect(sent).not.toContain("pull");
  });

  it("is told nothing of an engine that is not in `mesh.json` any more", () => {
    expect(sentBody("llamacpp", "both", BODY, { pull: "d/9" })).not.toContain("pull");
    expect(sentBody("llamacpp", "both", BODY, { pull: "gone/0" })).not.toContain("pull");
  });
});

it("tells no engine to pull that cannot", () => {
  const told = sentBody("vllm-nixl", "both", BODY, { pull: "p/0" });
  expect(told).toBe(sentBody("vllm-nixl", "both", BODY));
});

describe("a pool of llamacpp whose engines keep what they decoded", () => {
  it.each(["decode", "both"] as const)("asks for that in a leg that answers: %s", (leg) => {
    const params = (pool: { readonly bidirectional?: boolean }) =>
      (JSON.parse(sentBody("llamacpp", leg, BODY, { pool })) as Sent).kv_transfer_params;
    expect(params({ bidirectional: true })).toEqual({ leave: true });
    expect(params({})).toBeUndefined();
  });

  it("has the next turn's prefill fetch it, less what else the answer told", () => {
    const kept = HANDLE.replace("}", ',"fetched":{"tokens":1,"bytes":2,"ms":3}}');
    expect(sentBody("llamacpp", "prefill", BODY, { kept })).toContain(
      `"kv_transfer_params":{"leave":"prompt","fetch":${HANDLE}}`,
    );
  });
});

describe("what a llamacpp engine tells of a state that it was to fetch", () => {
  const told = (fetched: unknown) =>
    llamacpp.told?.(JSON.stringify({ choices: [], kv_transfer_params: { fetched } }));

  it("is how much came and how long that took", () => {
    const fetched = { tokens: 89, bytes: 4096, ms: 2.5 };
    expect(told(fetched)).toEqual({ fetched });
  });

  it("is why none came, without where the other engine is", () => {
    expect(told({ failed: "http://10.0.0.7:8080/kv/kv_x: refused" })).toEqual({
      fetched: { failed: "another engine: refused" },
    });
  });

  it.each([[{}], [null], [{ tokens: 1, bytes: "2", ms: -1 }]])(
    "is nothing where it cannot be read: %j",
    (fetched) => {
      expect(told(fetched)).toBeUndefined();
    },
  );

  it("is nothing in text that speaks of it", () => {
    expect(llamacpp.told?.('{"choices":[{"delta":{"content":"\\"fetched\\""}}]}')).toBeUndefined();
    expect(llamacpp.told?.('broken "fetched"')).toBeUndefined();
  });
});

function prefillAnswer(body: string) {
  return llamacpp.readPrefill(new TextEncoder().encode(body));
}

type Sent = { readonly kv_transfer_params?: unknown };
