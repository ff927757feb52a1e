import { describe, expect, it } from "vitest";
import { vllmMooncake } from "../../../src/engines/vllm-mooncake/dialect.ts";
import { vllmNixlPush } from "../../../src/engines/vllm-nixl-push/dialect.ts";
import { vllmSharedStorage } from "../../../src/engines/vllm-shared-storage/dialect.ts";
import { sentBody, sentLeg, type SentOrder, splitAt } from "./sent-leg.ts";

const BODY = '{"model":"a","messages":[],"stream":true,"max_tokens":50}';

function params(dialect: string, leg: "prefill" | "decode", order: SentOrder): unknown {
  const { kv_transfer_params } = JSON.parse(sentBody(dialect, leg, BODY, order)) as {
    kv_transfer_params: unknown;
  };
  return kv_transfer_params;
}

describe("a split in vllm-mooncake", () => {
  const learned = vllmMooncake.learns;
  if (!learned || !("url" in learned)) throw new TypeError("its bootstrap server is asked");
  const read = (answer: string) => learned.read(new TextEncoder().encode(answer));
  const known = read('{"eng-a":{"0":{"tp":{}},"1":{}},"eng-b":{"2":{}}}');

  it("asks the bootstrap server of the prefill engine who its ranks are", () => {
    expect(learned.url({ url: "http://10.0.0.7:8000" })).toBe("http://10.0.0.7:8998/query");
    expect(learned.url({ url: "http://[fd00::7]:8000", bootstrapPort: 7 })).toBe(
      "http://[fd00::7]:7/query",
    );
    expect(JSON.parse(known)).toEqual({ 0: "eng-a", 1: "eng-a", 2: "eng-b" });
    const newer =
      '{"0":{"engine_id":"eng-a","worker_addr":{"0":{"0":"tcp://x"}}},"1":{"engine_id":"eng-b"}}';
    expect(JSON.parse(read(newer))).toEqual({ 0: "eng-a", 1: "eng-b" });
  });

  it("gives both legs one transfer id and decode the engine of the prefill leg's rank", () => {
    const order = { split: splitAt("5"), learned: known, pool: { dpSize: 3 } };
    expect(params("vllm-mooncake", "prefill", order)).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: "req_1-5",
    });
    expect(
      sentLeg("vllm-mooncake", "prefill", BODY, order)?.headers.get("x-data-parallel-rank"),
    ).toBe("2");
    expect(params("vllm-mooncake", "decode", order)).toEqual({
      do_remote_decode: false,
      do_remote_prefill: true,
      transfer_id: "req_1-5",
      remote_bootstrap_addr: "http://p:8998",
      remote_engine_id: "eng-b",
      remote_dp_rank: 2,
      bootstrap_server_host: "p",
      bootstrap_server_port: 8998,
    });
  });

  it("cannot be sent to a rank that the bootstrap server does not know", () => {
    const order = { split: splitAt("5"), learned: '{"0":"eng-a"}', pool: { dpSize: 3 } };
    expect(() => params("vllm-mooncake", "decode", order)).toThrow("no rank 2");
  });
});

describe("a split in vllm-nixl-push", () => {
  const handle =
    '{"do_remote_prefill":true,"remote_block_ids":[[9007199254740993]],"remote_engine_id":"e","remote_host":"10.0.0.7","remote_port":5600,"tp_size":2,"remote_request_id":"x"}';

  it("waits with decode for a prefill engine that nobody knows yet", () => {
    expect(sentLeg("vllm-nixl-push", "decode", BODY, { split: splitAt() })).toBeUndefined();
    expect(sentLeg("vllm-nixl-push", "prefill", BODY, { split: splitAt() })).toBeDefined();
  });

  it("tells decode who prefills, without any blocks, once a handle told it", () => {
    const { learns } = vllmNixlPush;
    if (!learns || !("fromHandoff" in learns)) throw new TypeError("handles tell");
    const order = { split: splitAt("5"), learned: learns.fromHandoff(handle) };
    expect(params("vllm-nixl-push", "decode", order)).toEqual({
      do_remote_decode: false,
      do_remote_prefill: true,
      remote_engine_id: "e",
      remote_host: "10.0.0.7",
      remote_port: 5600,
      tp_size: 2,
      transfer_id: "req_1-5",
      remote_request_id: "req_1",
    });
    expect(() => learns.fromHandoff('{"remote_engine_id":"e"}')).toThrow("who prefilled");
  });
});

describe("a split in vllm-shared-storage", () => {
  it("lets decode go ahead only above a share of cached prompt, and prefill always", () => {
    const sent = (leg: "prefill" | "decode", order: SentOrder = {}) =>
      JSON.parse(sentBody("vllm-shared-storage", leg, BODY, order));
    expect(sent("decode", { cacheThreshold: 0.75 })).toMatchObject({ cache_hit_threshold: 0.75 });
    expect(sent("decode")).toMatchObject({ cache_hit_threshold: 0, max_tokens: 50 });
    expect(sent("prefill")).toMatchObject({ cache_hit_threshold: 0, max_tokens: 1, stream: false });
  });

  it("knows an answer that declines, and none that speaks of it", () => {
    const declined = '{"choices":[{"delta":{},"finish_reason":"cache_threshold"}]}';
    const quoted = JSON.stringify({ choices: [{ delta: { content: declined } }] });
    expect(vllmSharedStorage.declines?.(declined)).toBe(true);
    expect(vllmSharedStorage.declines?.(quoted)).toBe(false);
  });
});
