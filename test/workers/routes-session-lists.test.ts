import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, AUTH, createEdge, RIVAL, type Edge } from "./edge.ts";
import { politely, USAGE } from "./fake-engine.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;
type Item = { readonly id: string; readonly turns: number };
type Page = { readonly data: readonly Item[]; readonly next: string | null };

const call = async <T = Json>(path: string, init: RequestInit = {}): Promise<T> => {
  const answer = await edge.call(path, { headers: AUTH, ...init });
  expect(answer.status).toBeLessThan(300);
  return answer.json();
};
const page = (query: string, headers = AUTH) => call<Page>(`/v1/sessions?${query}`, { headers });
const fork = (id: string) => call<Json & Item>(`/v1/sessions/${id}/fork`, { method: "POST" });

async function turn(key: string, members: Json = {}, headers: Record<string, string> = {}) {
  const answer = await edge.chat(ask(members), { "phaseway-session": key, ...headers });
  expect(answer.status).toBe(200);
  await answer.text();
  return answer.headers.get("phaseway-session") ?? "";
}

const messages = [
  { role: "user", content: "Where did you run?" },
  { role: "assistant", content: "hello there" },
  { role: "user", content: "And now?" },
];

describe("the list of sessions", () => {
  it("shows a tenant's own, the last used first, once each, page by page", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await turn(crypto.randomUUID()));
    await edge.settled();
    const again = await turn(ids[0] ?? "");
    expect(again).toBe(ids[0]);
    await edge.settled();
    const listed: Item[] = [];
    let query = "limit=2";
    for (;;) {
      const { data, next } = await page(query);
      listed.push(...data);
      if (next === null) break;
      query = `limit=2&after=${next}`;
    }
    expect(listed[0]).toMatchObject({ object: "session", id: ids[0], turns: 2, model: "llama-8b" });
    expect(listed.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    const { data } = await page("", RIVAL);
    expect(data).toEqual([]);
  }, 20_000);

  it("leaves out what was deleted", async () => {
    const id = await turn(crypto.randomUUID());
    await edge.settled();
    expect((await page("limit=100")).data.map((one) => one.id)).toContain(id);
    await call(`/v1/sessions/${id}`, { method: "DELETE" });
    expect((await page("limit=100")).data.map((one) => one.id)).not.toContain(id);
  }, 20_000);

  it.each(["limit=0", "limit=101", "limit=x", "after=yesterday", "after=2026-99-99.1."])(
    "refuses %s",
    async (query) => {
      const answer = await edge.call(`/v1/sessions?${query}`, { headers: AUTH });
      expect(answer.status).toBe(400);
    },
  );
});

describe("a fork of a session", () => {
  it("begins with what engines hold of it, and goes its own way", async () => {
    const key = crypto.randomUUID();
    const id = await turn(key);
    const original = await call(`/v1/sessions/${key}`);
    const forked = await fork(id);
    expect(forked).toMatchObject({
      object: "session",
      forkedFrom: id,
      stats: { turns: 0, usd: 0 },
    });
    expect(forked.id).not.toBe(id);
    expect(residency(forked)).toEqual(residency(original));
    expect(await turn(forked.id, { messages })).toBe(forked.id);
    expect(await call(`/v1/sessions/${forked.id}`)).toMatchObject({
      stats: { turns: 1 },
      branches: [{ branch: 0, turns: 1 }],
    });
    expect(await call(`/v1/sessions/${key}`)).toEqual(original);
  });

  it("is of one branch where the id names one, and of nothing where there is none", async () => {
    const key = crypto.randomUUID();
    const id = await turn(key);
    await turn(key, { messages: [{ role: "user", content: "Something else entirely." }] });
    expect(await call(`/v1/sessions/${id}`)).toMatchObject({ branches: [{}, {}] });
    expect(await fork(`${id}.1`)).toMatchObject({ branches: [{ branch: 1 }] });
    for (const name of [`${id}.7`, crypto.randomUUID()]) {
      const path = `/v1/sessions/${name}/fork`;
      expect((await edge.call(path, { method: "POST", headers: AUTH })).status).toBe(404);
    }
    const path = `/v1/sessions/${id}/fork`;
    expect((await edge.call(path, { method: "POST", headers: RIVAL })).status).toBe(404);
  });
});

describe("a session's sums", () => {
  it("say what caches have saved", async () => {
    const key = crypto.randomUUID();
    edge.engine.answers((sent) =>
      sent.json["stream"] === true
        ? politely(sent)
        : politely(sent)
            .json()
            .then((json) => {
              const prompt_tokens_details = { cached_tokens: 900 };
              const usage = { ...USAGE, prompt_tokens: 1000, prompt_tokens_details };
              return Response.json({ ...(json as object), usage });
            }),
    );
    await turn(key);
    const view = await call<{ usd: { spent: number; saved: number } }>(`/v1/sessions/${key}`);
    expect(view).toMatchObject({ hitRate: 0.9, tiers: { hbm: { engines: 1, until: null } } });
    expect(view.usd.spent).toBeGreaterThan(0);
    expect(view.usd.saved).toBeGreaterThan(0);
  });
});

describe("deleting a session", () => {
  it("takes answers with it that are kept under idempotency keys", async () => {
    const key = crypto.randomUUID();
    const headers = { "idempotency-key": crypto.randomUUID() };
    await turn(key, {}, headers);
    await turn(key, {}, headers);
    expect(edge.engine.sent).toHaveLength(1);
    await edge.settled();
    await call(`/v1/sessions/${key}`, { method: "DELETE" });
    await turn(key, {}, headers);
    expect(edge.engine.sent).toHaveLength(2);
  });

  it("is not undone by a turn that was running", async () => {
    const key = crypto.randomUUID();
    await turn(key);
    const gate = Promise.withResolvers<void>();
    edge.engine.answers(async (sent) => {
      await gate.promise;
      return politely(sent);
    });
    const headers = { "idempotency-key": crypto.randomUUID() };
    const running = turn(key, { messages }, headers);
    while (edge.engine.sent.length < 2) await new Promise((resolve) => setTimeout(resolve));
    await call(`/v1/sessions/${key}`, { method: "DELETE" });
    gate.resolve();
    await running;
    await edge.settled();
    expect((await edge.call(`/v1/sessions/${key}`, { headers: AUTH })).status).toBe(404);
    await turn(key, { messages }, headers);
    expect(edge.engine.sent).toHaveLength(3);
  });
});

function residency(view: Json): unknown {
  return (view["branches"] as readonly { readonly residency: unknown }[])[0]?.residency;
}
