import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ask, AUTH, createEdge, ENGINE_KEY, KEYS, type Edge } from "./edge.ts";
import { HELLO, streamOf } from "./fake-engine.ts";

let edge: Edge;

// A new one for each: what an engine did to one test must not keep the next from asking it.
const edges: Edge[] = [];
beforeEach(async () => {
  edge = await createEdge();
  edges.push(edge);
});
afterAll(() => Promise.all(edges.map((one) => one.settled())));

const json = (response: Response): Promise<Record<string, unknown>> => response.json();
const refusal = { error: { message: "`temperature` is too hot", param: "temperature", code: "x" } };

describe("an engine's refusal of the request itself", () => {
  it.each([400, 413, 422])("goes back as it is: %i", async (status) => {
    const text = JSON.stringify(refusal, undefined, 1);
    edge.engine.answers(
      () => new Response(text, { status, headers: { "content-type": "application/json" } }),
    );
    for (const stream of [false, true]) {
      edge.engine.sent.length = 0;
      const answer = await edge.chat(ask({ stream, temperature: 99 }));
      expect(answer.status).toBe(status);
      expect(await answer.text()).toBe(text);
      expect(edge.engine.sent, "no other engine is asked").toHaveLength(1);
    }
  });

  it("keeps the engine's headers, address and key to itself", async () => {
    edge.engine.answers(({ url, headers }) => {
      const message = `${url} refused ${headers.get("authorization")}`;
      return Response.json(
        { error: { message } },
        { status: 400, headers: { server: "vllm", "set-cookie": "a=b", "x-upstream": url } },
      );
    });
    const answer = await edge.chat(ask());
    const told = (await answer.text()) + JSON.stringify([...answer.headers]);
    expect(answer.status).toBe(400);
    expect(told).toContain("refused Bearer [redacted]");
    for (const secret of [ENGINE_KEY, "engines.internal", "vllm", "a=b", "x-upstream"]) {
      expect(told).not.toContain(secret);
    }
  });

  it.each([
    [413, "", "413."],
    [
      422,
      '{"detail":[{"loc":["body","n"],"msg":"Input should be 1"}]}',
      "body.n: Input should be 1",
    ],
  ])("is told in OpenAI's shape when it has another: %i %s", async (status, text, words) => {
    const headers = { "content-type": "application/json" };
    edge.engine.answers(() => new Response(text, { status, headers }));
    for (const stream of [false, true]) {
      const answer = await edge.chat(ask({ stream }));
      expect(answer.status).toBe(status);
      expect(await json(answer)).toEqual({
        error: {
          message: expect.stringContaining(words),
          type: "invalid_request_error",
          param: null,
          code: "invalid_request",
        },
      });
    }
  });

  it("never names the engine's address or key, whatever shape it has", async () => {
    edge.engine.answers(
      ({ url, headers }) => new Response(`${url} ${headers.get("authorization")}`, { status: 400 }),
    );
    const told = await (await edge.chat(ask())).text();
    expect(told).toMatch(/\[redacted\]\S* Bearer \[redacted\]/);
    for (const secret of [ENGINE_KEY, "engines.internal"]) expect(told).not.toContain(secret);
  });

  it("is told in OpenAI's shape when a proxy's page comes in its place", async () => {
    edge.engine.answers(
      () =>
        new Response("<h1>nginx</h1>", { status: 413, headers: { "content-type": "text/html" } }),
    );
    const answer = await edge.chat(ask());
    expect(answer.status).toBe(413);
    expect(await json(answer)).toMatchObject({ error: { code: "invalid_request" } });
  });
});

describe("a failure of an engine", () => {
  it.each([401, 402, 403, 404, 407, 500, 501, 302])(
    "never passes as the caller's, such as %i",
    async (status) => {
      edge.engine.answers(
        ({ headers }) =>
          new Response(`{"error":{"message":"${headers.get("authorization")}"}}`, {
            status,
            headers: { "content-type": "application/json", location: "https://elsewhere.test/" },
          }),
      );
      const answer = await edge.chat(ask());
      expect(answer.status).toBe(502);
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({
        error: { type: "server_error", code: "engine_failed", param: null },
      });
      expect(text).not.toContain(ENGINE_KEY);
      expect(edge.engine.sent.length, "others were tried").toBeGreaterThan(1);
    },
  );

  it("says nothing of where the engine is when it cannot be reached, not even in the receipt", async () => {
    edge.engine.answers(({ url }) => {
      throw new TypeError(`cannot connect to ${url} with ${ENGINE_KEY}`);
    });
    const answer = await edge.chat(ask());
    expect(answer.status).toBe(503);
    const receipt = await edge.call(`/v1/receipts/${answer.headers.get("phaseway-receipt")}`, {
      headers: AUTH,
    });
    const told = (await answer.text()) + (await receipt.text());
    expect(told).toContain("engine_unavailable");
    expect(told).toContain("cannot connect to [redacted]");
    expect(told).not.toContain("engines.internal");
    expect(told).not.toContain(ENGINE_KEY);
  });

  it("is a 429 with a time to come back when every engine says so", async () => {
    edge.engine.answers(() => new Response("{}", { status: 429, headers: { "retry-after": "7" } }));
    const answer = await edge.chat(ask());
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("7");
    expect(await json(answer)).toMatchObject({
      error: { type: "rate_limit_error", code: "rate_limit_exceeded" },
    });
  });

  it("is still a 429 while every engine is left alone until the time it said", async () => {
    const date = new Date(Date.now() + 30_000).toUTCString();
    edge.engine.answers(
      () => new Response("{}", { status: 429, headers: { "retry-after": date } }),
    );
    await edge.chat(ask());
    const asked = edge.engine.sent.length;
    for (const stream of [false, true]) {
      const answer = await edge.chat(ask({ stream }));
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(20);
      expect(Number(answer.headers.get("retry-after"))).toBeLessThanOrEqual(30);
      expect(await json(answer)).toMatchObject({ error: { code: "rate_limit_exceeded" } });
    }
    expect(edge.engine.sent).toHaveLength(asked);
  });

  it("says when to come back when it is a 503", async () => {
    edge.engine.answers(() => {
      throw new TypeError("gone");
    });
    const answer = await edge.chat(ask());
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  it("in the middle of a stream ends it with an error and no [DONE]", async () => {
    edge.engine.answers(({ url }) =>
      streamOf([...HELLO.slice(0, 2), JSON.stringify({ error: { message: `${url} died` } })]),
    );
    const answer = await edge.chat(ask({ stream: true }));
    expect(answer.status).toBe(200);
    const frames = (await answer.text()).trim().split("\n\n");
    expect(frames.slice(0, 2)).toEqual(HELLO.slice(0, 2).map((data) => `data: ${data}`));
    expect(frames).toHaveLength(3);
    expect(JSON.parse(frames[2]?.slice(6) ?? "")).toMatchObject({
      error: { type: "server_error", code: "engine_failed", message: expect.any(String) },
    });
    expect(frames[2]).not.toContain("engines.internal");
  });

  it("before the first content falls back to another engine, unseen", async () => {
    edge.engine.answers(() =>
      edge.engine.sent.length === 1
        ? streamOf([HELLO[0] ?? "", JSON.stringify({ error: { message: "no memory" } })])
        : streamOf([...HELLO, "[DONE]"]),
    );
    const answer = await edge.chat(ask({ stream: true }));
    expect(await answer.text()).toBe(
      [...HELLO, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""),
    );
    expect(edge.engine.sent).toHaveLength(2);
  });
});

describe("what the mesh refuses before any engine is asked", () => {
  it("is a prompt far beyond the context window", async () => {
    const content = "word ".repeat(4000);
    const answer = await edge.chat(ask({ model: "large", messages: [{ role: "user", content }] }));
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({
      error: {
        type: "invalid_request_error",
        code: "context_length_exceeded",
        param: "messages",
        message: expect.stringContaining("2048"),
      },
    });
    expect(edge.engine.sent).toEqual([]);
  });

  it("is not a prompt that may still fit: the engine counts better", async () => {
    const content = "word ".repeat(2000);
    edge.engine.answers(() => Response.json(refusal, { status: 400 }));
    const answer = await edge.chat(ask({ model: "large", messages: [{ role: "user", content }] }));
    expect(await json(answer)).toEqual(refusal);
    expect(edge.engine.sent).toHaveLength(1);
  });

  it.each(["cn", "edge-bound:mars"])("is a place where no pool is, such as %s", async (place) => {
    const answer = await edge.chat(ask(), { "phaseway-labels": `place=${place}` });
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({
      error: {
        code: "no_placement",
        param: "phaseway-labels",
        message: expect.stringMatching(new RegExp(`${place}.*place \\(2\\)`)),
      },
    });
    expect(edge.engine.sent).toEqual([]);
  });

  it("is a place that is none, with the places there are", async () => {
    for (const place of ['"mars"', "Mars"]) {
      const answer = await edge.chat(ask(), { "phaseway-labels": `place=${place}` });
      const { error } = (await answer.json()) as { error: { message: string; param: string } };
      expect([answer.status, error.param]).toEqual([400, "phaseway-labels"]);
      expect(error.message).toMatch(/`anywhere`, `edge-bound`, `edge-bound:<region>`/);
      expect(error.message).toMatch(/`ams`, `iad`.*`eu`, `us`/);
    }
  });

  it("is not a place that has pools", async () => {
    const answer = await edge.chat(ask(), { "phaseway-labels": "place=us" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("phaseway-route")).toContain("far-iad");
  });
});

it("shows engines our own key and none of the caller's headers", async () => {
  await edge.chat(ask(), { cookie: "a=b", "x-private": "p", "phaseway-session": "s1" });
  const headers = edge.engine.sent[0]?.headers ?? new Headers();
  expect(headers.get("authorization")).toBe(`Bearer ${ENGINE_KEY}`);
  const told = JSON.stringify([...headers]);
  for (const secret of [KEYS.acme, "x-private", "cookie", "s1"]) expect(told).not.toContain(secret);
});
