import { describe, expect, it } from "vitest";
import { ENGINE_KEY } from "./edge.ts";
import { politely, type Sent, USAGE } from "./fake-engine.ts";
import { orderOf, POOL, regionService, STAYS, WAYS } from "./region-ways.ts";

describe.each(WAYS)("a region service, %s,", (way) => {
  it.each([true, false])(
    "passes the engine's bytes as they came (streamed: %s)",
    async (stream) => {
      const { service, engine, leg } = regionService(way);
      const { ticket, answer } = await leg({ stream });
      if (!answer.ok || answer.kind !== "answering") throw new TypeError("no answer");
      const expected = politely({ json: { stream } });
      expect(answer.contentType).toBe(expected.headers.get("content-type"));
      expect(await new Response(answer.body).text()).toBe(await expected.text());
      expect(engine.sent.map(({ url }) => url)).toEqual([ENGINE_URL]);
      expect(engine.sent[0]?.headers.get("authorization")).toBe(`Bearer ${ENGINE_KEY}`);
      service.report({ v: 1, ticket, event: "done", now: Date.now() });
    },
  );

  it("hands on what prefill told, digit by digit", async () => {
    const { service, engine, leg } = regionService(way, { dialect: "vllm-nixl" });
    const handle = '{"remote_block_ids":[9007199254740993]}';
    const body = `{"kv_transfer_params":${handle},"usage":{"prompt_tokens":9,"completion_tokens":1}}`;
    engine.answers(() => new Response(body, { headers: { "content-type": "application/json" } }));
    const { ticket, answer } = await leg({ leg: "prefill" });
    service.report({ v: 1, ticket, event: "done", now: Date.now() });
    expect(answer).toMatchObject({ ok: true, kind: "prefilled", handoff: handle });
    engine.answers(politely);
    await leg({ leg: "decode", handoff: handle });
    const sent = new TextDecoder().decode(engine.sent.at(-1)?.body);
    expect(sent).toContain(`"kv_transfer_params":${handle}`);
  });

  it.each([
    [400, "caller"],
    [429, "overloaded"],
    [500, "status"],
  ])("tells an engine's %i as a value, with its own bytes", async (status, kind) => {
    const { engine, leg } = regionService(way);
    const body = '{"error":{"message":"as the engine said it"}}';
    engine.answers(() => new Response(body, { status, headers: { "retry-after": "3" } }));
    const { answer } = await leg();
    expect(answer).toMatchObject({ ok: false, failure: { kind, status, retryAfterMs: 3000 } });
    const failure = answer.ok ? undefined : answer.failure;
    expect(new TextDecoder().decode(failure?.body)).toBe(body);
  });

  it("tells that an engine could not be reached as a value", async () => {
    const { engine, leg } = regionService(way);
    engine.answers(() => Promise.reject(new TypeError("no route")));
    expect((await leg()).answer).toMatchObject({ ok: false, failure: { kind: "unreachable" } });
  });

  it("lets a waiting leg go when the one before it has ended, and runs it", async () => {
    const { service, engine, leg, reserve } = regionService(way);
    const first = await leg();
    const order = orderOf({});
    const queued = await reserve({}, order);
    if (queued.kind !== "queued") throw new TypeError(`not queued, but ${queued.kind}`);
    const claimed = service.claim({ v: 1, pool: POOL, ticket: queued.ticket });
    service.report({ v: 1, ticket: first.ticket, event: "done", now: Date.now() });
    const granted = await claimed;
    if (granted.kind !== "granted") throw new TypeError(`not granted, but ${granted.kind}`);
    const { ticket, engine: id } = granted.grant;
    const answer = await service.run({ ...order, ticket, engine: id }, STAYS);
    expect(answer).toMatchObject({ ok: true, kind: "answering" });
    expect(engine.sent, "each leg once").toHaveLength(2);
  });

  it("runs nothing for who gave up its place", async () => {
    const { service, engine, leg, reserve } = regionService(way);
    const first = await leg();
    const queued = await reserve({}, orderOf({}));
    if (queued.kind !== "queued") throw new TypeError(`not queued, but ${queued.kind}`);
    service.withdraw({ v: 1, pool: POOL, ticket: queued.ticket });
    service.report({ v: 1, ticket: first.ticket, event: "done", now: Date.now() });
    const next = await leg();
    expect(next.answer.ok).toBe(true);
    expect(engine.sent, "the first and the next").toHaveLength(2);
  });

  it("ends the engine's work for who leaves before the first token", async () => {
    const { engine, leg } = regionService(way);
    const leaver = new AbortController();
    const felt = Promise.withResolvers<string>();
    engine.answers((_, signal) => {
      signal?.addEventListener("abort", () => felt.resolve("felt"));
      queueMicrotask(() => leaver.abort());
      return new Promise((_resolve, reject) =>
        signal?.addEventListener("abort", () => reject(new TypeError("cut"))),
      );
    });
    const { answer } = await leg({}, leaver.signal);
    expect(answer).toMatchObject({ ok: false, failure: { kind: "aborted" } });
    expect(await felt.promise).toBe("felt");
  });

  it("ends the engine's stream for who reads no further", async () => {
    const { engine, leg } = regionService(way);
    const ended = Promise.withResolvers<string>();
    engine.answers((sent) => endless(sent, () => ended.resolve("ended")));
    const { answer } = await leg({ stream: true });
    if (!answer.ok || answer.kind !== "answering") throw new TypeError("no answer");
    await answer.body.cancel();
    expect(await ended.promise).toBe("ended");
  });

  it("breaks the stream where the engine's breaks", async () => {
    const { engine, leg } = regionService(way);
    engine.answers((sent) => endless(sent, () => {}, new TypeError("cut")));
    const { answer } = await leg({ stream: true });
    if (!answer.ok || answer.kind !== "answering") throw new TypeError("no answer");
    await expect(new Response(answer.body).text()).rejects.toThrow();
  });

  it("knows which engines tell their cached tokens", async () => {
    const { service } = regionService(way);
    expect(await service.reportsCache(`${POOL}/0`), "it says none, asked again").toBe(false);
    const other = regionService(way);
    other.engine.answers(async (sent) => {
      const answer = (await politely(sent).json()) as object;
      const usage = { ...USAGE, prompt_tokens_details: { cached_tokens: 16 } };
      return Response.json({ ...answer, usage });
    });
    expect(await other.service.reportsCache(`${POOL}/0`)).toBe(true);
  });
});

const ENGINE_URL = "https://iad.engines.internal/llama-8b/0/v1/chat/completions";

/** Says something, and then nothing more until it is cut. */
function endless(_: Sent, onEnd: () => void, cut?: Error): Response {
  const frame = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "hi" } }] })}\n\n`;
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(frame));
    },
    pull(controller) {
      if (cut !== undefined) controller.error(cut);
    },
    cancel: onEnd,
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
