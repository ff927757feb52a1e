import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, AUTH, createEdge, RIVAL, type Edge } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;
const json = (response: Response): Promise<Json> => response.json();
const view = (key: string, headers: Record<string, string> = AUTH) =>
  edge.call(`/v1/sessions/${encodeURIComponent(key)}`, { headers });
const erase = (key: string, headers: Record<string, string> = AUTH) =>
  edge.call(`/v1/sessions/${encodeURIComponent(key)}`, { method: "DELETE", headers });

/** Takes one turn and waits for its end; gives the response's headers. */
async function turn(members: Json = {}, headers: Record<string, string> = {}) {
  const answer = await edge.chat(ask(members), headers);
  expect(answer.status).toBe(200);
  await answer.text();
  return answer.headers;
}

/** The conversation of `ask`, one turn later. */
const messages = [
  { role: "user", content: "Where did you run?" },
  { role: "assistant", content: "hello there" },
  { role: "user", content: "And now?" },
];

describe("a session", () => {
  const key = crypto.randomUUID();

  it("shows its turns, where its cache is, and its counts", async () => {
    const first = await turn({}, { "phaseway-session": key });
    const second = await turn({ messages }, { "phaseway-session": key });
    const shown = await json(await view(key));
    const engine = expect.stringMatching(/^(near-ams|far-iad)\/\d$/);
    expect(shown).toEqual({
      object: "session",
      id: first.get("phaseway-session"),
      model: "llama-8b",
      expiresAt: expect.any(Number),
      hitRate: 0,
      usd: { spent: expect.any(Number), saved: 0 },
      tiers: { hbm: { engines: expect.any(Number), tokens: expect.any(Number), until: null } },
      stats: {
        turns: 2,
        promptTokens: 40,
        cachedTokens: 0,
        outputTokens: 4,
        usd: expect.any(Number),
        savedUsd: 0,
        firstAt: expect.any(Number),
        lastAt: expect.any(Number),
        outputPerTurn: 2,
        newPromptPerTurn: expect.any(Number),
        gapMs: expect.any(Number),
        charsPerToken: expect.any(Number),
      },
      branches: [
        {
          branch: 0,
          turns: 2,
          links: 3,
          residency: expect.arrayContaining([
            {
              engine,
              links: 3,
              tokens: expect.any(Number),
              tier: "hbm",
              known: "reported",
              at: expect.any(Number),
            },
          ]),
        },
      ],
      recentTurns: [second, first].map((headers, index) => ({
        n: 2 - index,
        receipt: headers.get("phaseway-receipt"),
        status: "completed",
        promptTokens: 20,
        cachedTokens: 0,
        outputTokens: 2,
        at: expect.any(Number),
      })),
    });
  });

  it("is shown by its id as by its key, and taken up again by either", async () => {
    const shown = await json(await view(key));
    const id = String(shown["id"]);
    expect(await json(await view(id))).toEqual(shown);
    const headers = await turn({ messages }, { "phaseway-session": id });
    expect(headers.get("phaseway-session")).toBe(id);
    expect(await json(await view(key))).toMatchObject({ id, stats: { turns: 3 } });
  });

  it("is nobody else's", async () => {
    const { id } = await json(await view(key));
    for (const name of [key, String(id)]) {
      expect((await view(name, RIVAL)).status).toBe(404);
      expect((await erase(name, RIVAL)).status).toBe(404);
    }
    expect((await view(key)).status).toBe(200);
  });

  it("is a key like any other to another tenant, who gets a session of its own", async () => {
    const before = await json(await view(key));
    const headers = await turn({}, { ...RIVAL, "phaseway-session": String(before["id"]) });
    const receipt = await receiptOf(headers.get("phaseway-receipt"), RIVAL);
    expect(await json(receipt)).toMatchObject({ tenant: "rival", status: "completed" });
    expect(await json(await view(key))).toEqual(before);
    const theirs = await json(await view(String(before["id"]), RIVAL));
    expect(theirs).toMatchObject({ id: headers.get("phaseway-session"), stats: { turns: 1 } });
    expect(theirs["id"]).not.toBe(before["id"]);
  });

  it("is gone once deleted, and its key begins another", async () => {
    const { id } = await json(await view(key));
    const erased = await erase(key);
    expect(await json(erased)).toEqual({ object: "session.deleted", id: key, deleted: true });
    for (const gone of [view(key), view(String(id)), erase(key)]) {
      const answer = await gone;
      expect(answer.status).toBe(404);
      expect(await json(answer)).toMatchObject({ error: { code: "not_found" } });
    }
    await turn({}, { "phaseway-session": key });
    expect(await json(await view(key))).toMatchObject({ id, stats: { turns: 1 } });
  });

  it("has two turns of two tenants apart under the same key", async () => {
    const shared = crypto.randomUUID();
    const mine = await turn({}, { "phaseway-session": shared });
    const theirs = await turn({}, { "phaseway-session": shared, ...RIVAL });
    expect(theirs.get("phaseway-session")).not.toBe(mine.get("phaseway-session"));
    expect(await json(await view(shared, RIVAL))).toMatchObject({ stats: { turns: 1 } });
  });

  it.each(["nothing", "ses_", `ses_${"0".repeat(34)}`, "rct_00", "a".repeat(3000)])(
    "that never was is a 404: %s",
    async (id) => {
      expect((await view(id)).status).toBe(404);
      expect((await erase(id)).status).toBe(404);
    },
  );
});

describe("a session's key", () => {
  it.each([
    "phaseway-session",
    "x-session-id",
    "x-session-affinity",
    "x-claude-code-session-id",
    "session_id",
  ])("may come in the header %s", async (header) => {
    const key = crypto.randomUUID();
    const { id } = await sessionOf(() => turn({}, { [header]: key }), key);
    expect(id).toMatch(/^ses_/);
  });

  it.each<[string, (key: string) => Json]>([
    ["prompt_cache_key", (key) => ({ prompt_cache_key: key })],
    ["conversation", (key) => ({ conversation: key })],
    ["conversation.id", (key) => ({ conversation: { id: key } })],
    ["metadata.user_id", (key) => ({ metadata: { user_id: key } })],
  ])("may come in the body as %s", async (_member, members) => {
    const key = crypto.randomUUID();
    await sessionOf(() => turn(members(key)), key);
  });

  it("in a header goes before one in the body", async () => {
    const [header, body] = [crypto.randomUUID(), crypto.randomUUID()];
    await sessionOf(() => turn({ prompt_cache_key: body }, { "x-session-id": header }), header);
    expect((await view(body)).status).toBe(404);
  });

  it.each([
    "a/b/../c?d=e#f&g",
    "100%",
    "%2F%25",
    "two words + plus",
    "ses_not-ours.1",
    "données-日本語-🚀",
    ".",
    "x".repeat(2000),
  ])("may be odd: %s", async (odd) => {
    const key = odd === "." ? "..x" : `${odd}-${crypto.randomUUID()}`;
    await sessionOf(() => turn({ prompt_cache_key: key }), key);
  });

  it("is not needed: the conversation itself names its session from its second turn on", async () => {
    const user = crypto.randomUUID();
    const first = await turn({ user });
    expect(first.get("phaseway-session")).toBeNull();
    const second = await turn({ user, messages });
    const id = second.get("phaseway-session") ?? "";
    expect(await json(await view(id))).toMatchObject({ stats: { turns: 2 } });
    const receipt = await receiptOf(first.get("phaseway-receipt"));
    expect(await json(receipt)).toMatchObject({ session: id, turn: 1 });
  });

  /** Two turns under a key are two turns of the session that the key shows. */
  async function sessionOf(take: () => Promise<Headers>, key: string): Promise<Json> {
    const first = await take();
    const second = await take();
    expect(second.get("phaseway-session")).toBe(first.get("phaseway-session"));
    const shown = await json(await view(key));
    expect(shown).toMatchObject({ id: first.get("phaseway-session"), stats: { turns: 2 } });
    return shown;
  }
});

describe("a receipt", () => {
  it("is its tenant's alone", async () => {
    const headers = await turn();
    const id = headers.get("phaseway-receipt");
    const mine = await receiptOf(id);
    expect(await json(mine)).toMatchObject({ object: "receipt", id, status: "completed" });
    // A receipt that young may still be on its way: that is waited for.
    expect((await receiptOf(id, RIVAL)).status).toBe(404);
  }, 15_000);

  it("cannot be made up", async () => {
    const id = (await turn()).get("phaseway-receipt") ?? "";
    const last = id.endsWith("0") ? "1" : "0";
    const forged = [`${id.slice(0, -1)}${last}`, id.replace("rct_", "ses_"), "rct_", "x", "%00"];
    for (const one of forged) {
      const answer = await receiptOf(one);
      expect(answer.status).toBe(404);
      expect(await json(answer)).toMatchObject({ error: { code: "not_found" } });
    }
  });
});

function receiptOf(id: string | null, headers: Record<string, string> = AUTH) {
  return edge.call(`/v1/receipts/${encodeURIComponent(id ?? "")}`, { headers });
}
