import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { CallCounts } from "../../workers/bench/counted-calls.ts";
import { ask, AUTH, createEdge, RIVAL } from "./edge.ts";
import { HELLO, politely, streamOf } from "./fake-engine.ts";

const calls = new CallCounts();
const edge = await createEdge({
  env: { ONCE: calls.of(env.ONCE, "Once"), IDEMPOTENCY_MAX_BYTES: "5000" },
});

beforeEach(() => {
  edge.engine.forget();
  calls.calls.clear();
});
afterAll(() => edge.settled());

const send = (key: string, members: Record<string, unknown> = {}, headers = AUTH) =>
  edge.chat(ask(members), { ...headers, "idempotency-key": key });
const code = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe("a request with an idempotency key", () => {
  it.each([false, true])(
    "runs once and is answered the same again, streamed: %s",
    async (stream) => {
      const key = crypto.randomUUID();
      const first = await send(key, { stream });
      const text = await first.text();
      const again = await send(key, { stream });
      expect(await again.text()).toBe(text);
      expect(text).toContain("hello");
      expect(edge.engine.sent).toHaveLength(1);
      expect(again.status).toBe(200);
      for (const name of ["content-type", "phaseway-receipt", "phaseway-route"]) {
        expect(again.headers.get(name)).toBe(first.headers.get(name));
      }
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(first.headers.get("idempotent-replayed")).toBeNull();
      expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    },
  );

  it("waits for the answer of one that runs", async () => {
    const key = crypto.randomUUID();
    const gate = Promise.withResolvers<void>();
    edge.engine.answers(async (sent) => {
      await gate.promise;
      return politely(sent);
    });
    const both = [send(key), send(key)];
    while (edge.engine.sent.length === 0) await new Promise((resolve) => setTimeout(resolve));
    gate.resolve();
    const [one, other] = await Promise.all(both.map(async (answer) => (await answer).text()));
    expect(one).toBe(other);
    expect(edge.engine.sent).toHaveLength(1);
  });

  it("is a 409 that says when to come back, once it has waited for long enough", async () => {
    const key = crypto.randomUUID();
    const impatient = await createEdge({ mesh: { onceWaitMs: 0 } });
    const gate = Promise.withResolvers<void>();
    impatient.engine.answers(async (sent) => {
      await gate.promise;
      return politely(sent);
    });
    const first = impatient.chat(ask(), { "idempotency-key": key });
    while (impatient.engine.sent.length === 0) await new Promise((resolve) => setTimeout(resolve));
    const second = await impatient.chat(ask(), { "idempotency-key": key });
    expect(second.status).toBe(409);
    expect(second.headers.get("retry-after")).toBe("5");
    expect(await code(second)).toBe("idempotency_in_progress");
    gate.resolve();
    await (await first).text();
  });

  it("is a 422 when it asks something else under the same key", async () => {
    const key = crypto.randomUUID();
    await (await send(key)).text();
    const other = await send(key, { max_tokens: 3 });
    expect(other.status).toBe(422);
    expect(await code(other)).toBe("idempotency_key_reused");
    expect(edge.engine.sent).toHaveLength(1);
  });

  it("can be tried again when it failed", async () => {
    const key = crypto.randomUUID();
    edge.engine.answers(() => Response.json({ error: { message: "no" } }, { status: 400 }));
    expect((await send(key)).status).toBe(400);
    edge.engine.answers(politely);
    const again = await send(key);
    expect(again.status).toBe(200);
    expect(again.headers.get("idempotent-replayed")).toBeNull();
    await again.text();
  });

  it("can be tried again when its stream broke", async () => {
    const key = crypto.randomUUID();
    edge.engine.answers(() => streamOf(HELLO.slice(0, 2)));
    expect(await (await send(key, { stream: true })).text()).toContain('"error"');
    edge.engine.answers(politely);
    const again = await send(key, { stream: true });
    expect(await again.text()).toContain("[DONE]");
    expect(again.headers.get("idempotent-replayed")).toBeNull();
  });

  it("can be tried again when its caller left in the middle", async () => {
    const key = crypto.randomUUID();
    edge.engine.answers(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (to) => to.enqueue(new TextEncoder().encode(`data: ${HELLO[1]}\n\n`)),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const left = await send(key, { stream: true });
    const reader = left.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    edge.engine.answers(politely);
    const again = await send(key, { stream: true });
    expect(await again.text()).toContain("[DONE]");
  });

  it("is its tenant's: another's key of the same name is another", async () => {
    const key = crypto.randomUUID();
    await (await send(key)).text();
    const theirs = await send(key, { max_tokens: 3 }, RIVAL);
    expect(theirs.status).toBe(200);
    expect(theirs.headers.get("idempotent-replayed")).toBeNull();
    await theirs.text();
  });

  it("does not run again when its answer was too large to be kept, and says so", async () => {
    const key = crypto.randomUUID();
    edge.engine.answers((sent) => {
      const whole = politely(sent);
      return whole
        .json()
        .then((json) => Response.json({ ...(json as object), pad: "x".repeat(6000) }));
    });
    expect((await (await send(key)).text()).length).toBeGreaterThan(6000);
    const again = await send(key);
    expect(again.status).toBe(422);
    expect(await code(again)).toBe("idempotency_answer_too_large");
    expect(edge.engine.sent).toHaveLength(1);
  });

  it.each(["", "x".repeat(256)])("is refused with a key of %# characters", async (key) => {
    const answer = await send(key);
    expect(answer.status).toBe(400);
    expect(await code(answer)).toBe("invalid_request");
  });

  it("is refused, and does not run, when its object does not answer", async () => {
    const broken = { ...env.ONCE, get: () => ({ claim: () => Promise.reject(new Error("gone")) }) };
    const cut = await createEdge({
      env: { ONCE: { ...broken, idFromName: () => "x" } as unknown as typeof env.ONCE },
    });
    const answer = await cut.chat(ask(), { "idempotency-key": "k" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await code(answer)).toBe("idempotency_unavailable");
    expect(cut.engine.sent).toHaveLength(0);
  });
});

describe("a request without an idempotency key", () => {
  it("asks no object about one", async () => {
    await (await edge.chat(ask())).text();
    expect(calls.calls.size).toBe(0);
  });
});
