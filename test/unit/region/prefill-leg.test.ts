import { describe, expect, it, vi } from "vitest";
import type { Engine } from "../../../src/core/fleet.ts";
import type { EngineAccess } from "../../../src/region/engine-request.ts";
import { runLeg } from "../../../src/region/run-leg.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "./leg-order.ts";

type Reply = { readonly status?: number; readonly body: string };
type Sent = { readonly url: string; readonly body: string; readonly headers: Headers };

type Replies = (sent: Sent, signal: AbortSignal | undefined) => Reply | Promise<Reply>;

/** Runs prefill legs on an engine of a fresh fleet, which replies to each path as told; gives what it was sent. */
function prefilling(dialect: string, replies: Replies) {
  const id = "pool";
  const asked: Sent[] = [];
  const known = pool(id, { dialect, headers: { "x-of-pool": "1" } });
  const withKey = (engine: Engine) => ({ ...engine, apiKeySecret: "ENGINE_KEY" });
  const access: EngineAccess = {
    fleet: fleet({ poolList: [{ ...known, engines: known.engines.map(withKey) }] }),
    secret: (name) => (name === "ENGINE_KEY" ? "sk-engine" : undefined),
    engineFetch: async (url, init) => {
      const { body: sent } = init ?? {};
      const text = sent instanceof Uint8Array ? new TextDecoder().decode(sent) : "";
      const one = { url: String(url), body: text, headers: new Headers(init?.headers) };
      asked.push(one);
      const { status = 200, body } = await replies(one, init?.signal ?? undefined);
      return new Response(body, { status, headers: { "content-type": "application/json" } });
    },
  };
  const run = (change: Partial<LegOrder> = {}) => {
    const order = legOrder({
      engine: `${id}/0`,
      leg: "prefill",
      body: new TextEncoder().encode('{"model":"large","messages":[],"stream":true}'),
      stream: true,
      ...change,
    });
    return runLeg(access, order, new AbortController().signal);
  };
  return { run, asked };
}

/** Says nothing until it is left. */
function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("left", "AbortError")));
  });
}

const CONTEXT =
  '{"choices":[{"finish_reason":"length","disaggregated_params":{"request_type":"context_only","ctx_request_id":9223372036854775807}}]}';
const isQuestion = ({ url }: Sent) => url.endsWith("/server_info");

describe("a prefill leg whose dialect has a question", () => {
  it("asks it once, whatever the legs that follow", async () => {
    const { run, asked } = prefilling("trtllm", (sent) => ({
      body: isQuestion(sent) ? '{"disaggregated_params":{}}' : CONTEXT,
    }));
    await run();
    await run({ requestId: "req_2" });
    expect(asked.filter(isQuestion)).toHaveLength(1);
    expect(asked.filter(({ body }) => body.includes("disagg_request_id"))).toHaveLength(2);
  });

  it("asks it with what lets us in at the engine", async () => {
    const { run, asked } = prefilling("trtllm", () => ({ body: CONTEXT }));
    await run();
    const { headers } = asked.find(isQuestion) ?? {};
    expect(headers?.get("authorization")).toBe("Bearer sk-engine");
    expect(headers?.get("x-of-pool")).toBe("1");
  });

  it("goes on without an answer where an engine may know no such question", async () => {
    const { run, asked } = prefilling("trtllm", (sent) =>
      isQuestion(sent) ? { status: 404, body: "{}" } : { body: CONTEXT },
    );
    expect(await run()).toMatchObject({
      ok: true,
      kind: "prefilled",
      handoff: expect.stringContaining("9223372036854775807"),
    });
    expect(asked.at(-1)?.body).toContain('{"request_type":"context_only"}');
  });

  it("fails when the engine cannot answer it, and asks again", async () => {
    let status = 500;
    const { run, asked } = prefilling("trtllm", (sent) =>
      isQuestion(sent) ? { status, body: "{}" } : { body: CONTEXT },
    );
    expect(await run()).toMatchObject({ ok: false, failure: { kind: "status" } });
    status = 200;
    expect(await run()).toMatchObject({ ok: true, kind: "prefilled" });
    expect(asked.filter(isQuestion)).toHaveLength(2);
  });

  it("asks again after a leg failed: another engine may have come back", async () => {
    let status = 200;
    const { run, asked } = prefilling("trtllm", (sent) =>
      isQuestion(sent) ? { body: "{}" } : { status, body: CONTEXT },
    );
    await run();
    status = 500;
    await run();
    status = 200;
    await run();
    expect(asked.filter(isQuestion)).toHaveLength(2);
  });

  it("does not wait for the answer as long as for a prompt", async () => {
    vi.useFakeTimers();
    try {
      const { run } = prefilling("trtllm-gen-first", (_sent, signal) => untilAborted(signal));
      const answering = run({ firstTokenTimeoutMs: 120_000 });
      await vi.advanceTimersByTimeAsync(5000);
      expect(await answering).toMatchObject({ ok: false, failure: { kind: "stalled" } });
    } finally {
      vi.useRealTimers();
    }
  });

  it("fails when what both legs need is not told", async () => {
    const { run } = prefilling("trtllm-gen-first", () => ({ body: "{}" }));
    expect(await run()).toMatchObject({ ok: false, failure: { kind: "malformed" } });
  });
});

describe("a prefill leg whose handle is to tell who prefilled", () => {
  it("fails where it does not", async () => {
    const body = '{"choices":[{}],"kv_transfer_params":{"remote_block_ids":[[1]]}}';
    const { run } = prefilling("vllm-nixl-push", () => ({ body }));
    const split = { prefill: "pool/0", decode: "pool/1", rendezvous: "1" };
    expect(await run({ split })).toMatchObject({ ok: false, failure: { kind: "malformed" } });
  });
});

describe("a decode leg whose prefill engine does not tell who it is", () => {
  it.each([
    ["answers with an error", () => ({ status: 500, body: "{}" }), "status"],
    ["says something else", () => ({ body: "[]" }), "malformed"],
    [
      "cannot be reached",
      () => {
        throw new TypeError("connection refused");
      },
      "unreachable",
    ],
  ] as const)("blames that where it %s", async (_what, reply, kind) => {
    const { run } = prefilling("trtllm-gen-first", reply);
    const split = { prefill: "pool/0", decode: "pool/1", rendezvous: "1" };
    const answer = await run({ leg: "decode", engine: "pool/1", split });
    expect(answer).toMatchObject({ ok: false, failure: { kind, blames: "other" } });
  });
});

describe("a prefill leg that has said everything", () => {
  const body = CONTEXT.replace("length", "stop").replace("{", '{"prompt_token_ids":[1],');
  const text = async (stream: boolean) => {
    const answer = await prefilling("trtllm", () => ({ body })).run({ stream });
    if (!answer.ok || answer.kind !== "answering") throw new TypeError("it did not answer");
    return { ...answer, text: await new Response(answer.body).text() };
  };

  it("is the client's answer, without what is between engines", async () => {
    const { contentType, text: whole } = await text(false);
    expect(contentType).toBe("application/json");
    expect(JSON.parse(whole)).toEqual({ choices: [{ finish_reason: "stop" }] });
  });

  it("is streamed to a client that wants a stream", async () => {
    const { contentType, text: streamed } = await text(true);
    expect(contentType).toBe("text/event-stream");
    expect(streamed).toMatch(/^data: \{.*"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/);
    expect(streamed).not.toContain("ctx_request_id");
  });
});
