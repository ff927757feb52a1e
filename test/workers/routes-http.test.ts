import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ask, AUTH, createEdge, type Edge } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

const POST = { method: "POST", body: "{}" };
const json = (response: Response): Promise<Record<string, unknown>> => response.json();

describe("paths and methods", () => {
  it("answers healthz without a key", async () => {
    const answer = await edge.call("/healthz");
    expect(answer.status).toBe(200);
    expect(await json(answer)).toEqual({ ok: true, edge: "ams", mesh: expect.any(String) });
  });

  it.each([
    "/",
    "/v1",
    "/v1/nothing",
    "/v1/receipts",
    "/v1/sessions/a/b",
    "/V1/models",
    "/healthz/",
  ])("has nothing at %s, with and without a key", async (path) => {
    for (const headers of [{}, AUTH]) {
      for (const init of [{ headers }, { ...POST, headers }]) {
        const answer = await edge.call(path, init);
        expect(answer.status).toBe(404);
        expect(await json(answer)).toMatchObject({
          error: { code: "not_found", type: "invalid_request_error", param: null },
        });
      }
    }
  });

  it.each([
    ["POST", "/healthz", "GET, HEAD"],
    ["GET", "/v1/chat/completions", "POST"],
    ["DELETE", "/v1/chat/completions", "POST"],
    ["POST", "/v1/models", "GET, HEAD"],
    ["POST", "/v1/sessions", "GET, HEAD"],
    ["GET", "/v1/sessions/a/fork", "POST"],
    ["DELETE", "/v1/models/small", "GET, HEAD"],
    ["POST", "/v1/sessions/x", "GET, HEAD, DELETE"],
    ["PUT", "/v1/receipts/x", "GET, HEAD"],
  ])("says of %s %s that it takes %s, with and without a key", async (method, path, allow) => {
    for (const headers of [{}, AUTH]) {
      const answer = await edge.call(path, { method, headers });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe(allow);
      expect(await json(answer)).toMatchObject({ error: { code: "method_not_allowed" } });
    }
  });

  it("answers HEAD as GET, without a body", async () => {
    const [head, get] = await Promise.all([
      edge.call("/v1/models", { method: "HEAD", headers: AUTH }),
      edge.call("/v1/models", { headers: AUTH }),
    ]);
    expect([head.status, get.status]).toEqual([200, 200]);
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect(await head.text()).toBe("");
    const wrong = await edge.call("/v1/chat/completions", { method: "HEAD" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("lists the models, and gives one by name or alias", async () => {
    const list = await json(await edge.call("/v1/models", { headers: AUTH }));
    expect(list).toMatchObject({ object: "list", data: [{ id: "llama-70b" }, { id: "llama-8b" }] });
    const one = await json(await edge.call("/v1/models/small", { headers: AUTH }));
    expect(one).toMatchObject({ id: "llama-8b", object: "model", owned_by: expect.any(String) });
    const none = await edge.call("/v1/models/a%2Fb", { headers: AUTH });
    expect(await json(none)).toMatchObject({ error: { code: "model_not_found", param: "model" } });
  });
});

describe("keys", () => {
  it("are asked for by every route but those that tell nothing of anybody", async () => {
    const open = ["/healthz", "/openapi.json", "/docs"];
    const guarded = edge.routes.filter(
      ({ method, path }) => method !== "ALL" && !open.includes(path),
    );
    expect(guarded.length).toBeGreaterThanOrEqual(6);
    for (const { method, path } of guarded) {
      const answer = await edge.call(path.replace(":id", "x"), { method });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });

  it.each<[string, Record<string, string>]>([
    ["none", {}],
    ["an unknown one", { authorization: "Bearer sk-nobody" }],
    ["another scheme", { authorization: "Basic sk-acme" }],
    ["an empty one", { authorization: "Bearer " }],
  ])("that are wrong get a 401: %s", async (_what, headers) => {
    const answer = await edge.call("/v1/models", { headers });
    expect(answer.status).toBe(401);
    expect(await json(answer)).toMatchObject({
      error: { code: "invalid_api_key", type: "authentication_error", param: null },
    });
  });

  it("are taken as bearer in any case, and as x-api-key", async () => {
    for (const headers of [{ authorization: "bearer sk-acme" }, { "x-api-key": "sk-acme" }]) {
      expect((await edge.call("/v1/models", { headers })).status).toBe(200);
    }
  });
});

const EXPOSED =
  "x-request-id phaseway-session phaseway-receipt phaseway-route phaseway-labels server-timing retry-after";

describe("browsers", () => {
  it("may send every header that is read here", async () => {
    const wanted =
      "authorization, x-api-key, content-type, phaseway-session, x-session-id, x-session-affinity, x-claude-code-session-id, session_id, phaseway-labels, phaseway-workload, phaseway-explain, x-stainless-retry-count";
    const answer = await edge.call("/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: "https://app.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": wanted,
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(listOf(answer, "access-control-allow-headers")).toEqual(wanted.split(", "));
    expect(listOf(answer, "access-control-allow-methods")).toEqual(
      expect.arrayContaining(["GET", "POST", "DELETE"]),
    );
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
  });

  it.each<[number, string, RequestInit]>([
    [200, "/healthz", {}],
    [401, "/v1/models", {}],
    [404, "/v1/nothing", {}],
    [405, "/healthz", POST],
    [400, "/v1/chat/completions", { ...POST, headers: AUTH }],
    [200, "/v1/chat/completions", { method: "POST", headers: AUTH, body: JSON.stringify(ask()) }],
    [
      200,
      "/v1/chat/completions",
      { method: "POST", headers: AUTH, body: JSON.stringify(ask({ stream: true })) },
    ],
  ])("may read our headers of a %i from %s", async (status, path, init) => {
    const answer = await edge.call(path, init);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(listOf(answer, "access-control-expose-headers")).toEqual(
      expect.arrayContaining(EXPOSED.split(" ")),
    );
    expect(answer.headers.get("x-request-id")).toMatch(/^req_[0-9a-f-]{36}$/);
    expect(answer.headers.get("server-timing")).toMatch(/^total;dur=[0-9.]+/);
    await answer.text();
  });

  it("may read our headers even of a bug, which tells nothing of itself", async () => {
    const buggy = await createEdge({
      mesh: {
        tenantOf() {
          throw new Error("secret detail");
        },
      },
    });
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await buggy.chat(ask());
    expect(log).toHaveBeenCalledWith(expect.stringContaining("secret detail"));
    log.mockRestore();
    expect(answer.status).toBe(500);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    const text = await answer.text();
    expect(text).toContain("internal_error");
    expect(text).not.toContain("secret detail");
  });
});

describe("a routed answer", () => {
  it.each([true, false])("says where it ran and how long it took, streamed: %s", async (stream) => {
    const answer = await edge.chat(ask({ stream }));
    await answer.text();
    expect(answer.headers.get("phaseway-route")).toMatch(
      /^mode=together, prefill="(\w+-\w+\/\d)", decode="\1"$/,
    );
    expect(answer.headers.get("server-timing")).toMatch(/^total;dur=[\d.]+/);
    expect(answer.headers.get("phaseway-receipt")).toMatch(/^rct_/);
    expect(answer.headers.get("phaseway-labels")).toMatch(/urgency="interactive"/);
  });

  it("says where it was to run when it failed as well", async () => {
    edge.engine.answers(() => Response.json({ error: { message: "no" } }, { status: 500 }));
    const answer = await edge.chat(ask());
    expect(answer.status).toBe(502);
    expect(answer.headers.get("phaseway-route")).toMatch(/^mode=together/);
    expect(answer.headers.get("server-timing")).toMatch(/^total;dur=/);
    expect(answer.headers.get("phaseway-receipt")).toMatch(/^rct_/);
    await answer.text();
  });
});

function listOf(answer: Response, header: string): string[] {
  return (answer.headers.get(header) ?? "").split(",").map((name) => name.trim());
}
