import { env } from "cloudflare:workers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkResponseEvents, responseEvents } from "../support/response-events.ts";
import { CallCounts } from "../../workers/bench/counted-calls.ts";
import { AUTH, createEdge, type Edge, RIVAL } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;

async function respond(members: object, headers: Record<string, string> = {}): Promise<Json> {
  const body = { model: "small", input: "Where did you run?", ...members };
  const init = { method: "POST", headers: { ...AUTH, ...headers }, body: JSON.stringify(body) };
  const answer = await edge.call("/v1/responses", init);
  const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream");
  const response = isStream
    ? checkResponseEvents(responseEvents(await answer.text()))
    : await answer.json<Json>();
  return { ...response, http: answer.status, session: answer.headers.get("phaseway-session") };
}

async function ask(path: string, method = "GET", headers = AUTH): Promise<[number, Json]> {
  const answer = await edge.call(`/v1/responses/${path}`, { method, headers });
  return [answer.status, await answer.json<Json>()];
}

const sentMessages = () => edge.engine.sent.at(-1)?.json["messages"];
const question = { role: "user", content: "Where did you run?" };
const hello = { role: "assistant", content: "hello there" };

describe("a stored response", () => {
  it.each([false, true])("is there as soon as it was answered, streamed: %s", async (stream) => {
    const { http: _http, session: _session, ...response } = await respond({ stream });
    expect(response).toMatchObject({ store: true, status: "completed" });
    const id = String(response["id"]);
    expect(id).toMatch(/^resp_[0-9a-f]{44}$/);
    expect(await ask(id)).toEqual([200, response]);
  });

  it("is gone on from, with all that it went on from, but not its instructions", async () => {
    const first = await respond({ instructions: "Be brief." });
    const second = await respond({ previous_response_id: first["id"], input: "And then?" });
    expect(second).toMatchObject({ http: 200, previous_response_id: first["id"] });
    const then = { role: "user", content: "And then?" };
    expect(sentMessages()).toEqual([question, hello, then]);
    await respond({ previous_response_id: second["id"], input: "Last?", instructions: "Shout." });
    const last = { role: "user", content: "Last?" };
    const shout = { role: "system", content: "Shout." };
    expect(sentMessages()).toEqual([shout, question, hello, then, hello, last]);
  });

  it("is one session with those that go on from it, whatever key they come with", async () => {
    const first = await respond({});
    const key = { "phaseway-session": crypto.randomUUID() };
    const second = await respond({ previous_response_id: first["id"], input: "And?" }, key);
    const other = await respond({ previous_response_id: first["id"], input: "Or?" });
    expect(first["session"]).toMatch(/^ses_/);
    const objects = [second, other].map(({ session }) => String(session).split(".")[0]);
    expect(objects).toEqual([first["session"], first["session"]]);
  });

  it("is one session with a conversation that sends its items back", async () => {
    const first = await respond({});
    const output = first["output"] as object[];
    const more = { role: "user", content: "And?" };
    const second = await respond({ input: [question, ...output, more], store: false });
    expect(sentMessages()).toEqual([question, hello, more]);
    expect(second["session"]).toBe(first["session"]);
    const keyed = { "phaseway-session": crypto.randomUUID() };
    const other = await respond({ input: [question, ...output, more] }, keyed);
    expect(other["session"]).not.toBe(first["session"]);
    const stranger = await respond({ input: [question, ...output, more] }, RIVAL);
    expect(stranger).toMatchObject({ http: 200 });
    expect(stranger["session"]).not.toBe(first["session"]);
  });

  it("can be gone on from twice, each on its own", async () => {
    const first = await respond({});
    const one = await respond({ previous_response_id: first["id"], input: "One?" });
    await respond({ previous_response_id: first["id"], input: "Other?" });
    expect(sentMessages()).toEqual([question, hello, { role: "user", content: "Other?" }]);
    await respond({ previous_response_id: one["id"], input: "Two?" });
    expect(sentMessages()).toEqual([
      question,
      hello,
      { role: "user", content: "One?" },
      hello,
      { role: "user", content: "Two?" },
    ]);
  });

  it("gives its items to those that name them", async () => {
    const first = await respond({});
    const [item] = first["output"] as { readonly id: string }[];
    const reference = { type: "item_reference", id: item?.id };
    const again = { role: "user", content: "Again?" };
    const second = await respond({ input: [question, reference, again] });
    expect(sentMessages()).toEqual([question, hello, again]);
    expect(String(second["session"]).split(".")[0]).toBe(first["session"]);
    await respond({ previous_response_id: second["id"], input: "Last?" });
    expect(sentMessages()).toEqual([
      question,
      hello,
      again,
      hello,
      { role: "user", content: "Last?" },
    ]);
    const unknown = { ...reference, id: `${item?.id.slice(0, -4)}0007` };
    for (const id of [unknown.id, "msg_made_up"]) {
      expect(await respond({ input: [question, { ...reference, id }] })).toMatchObject({
        http: 404,
        error: { code: "not_found", param: "input", message: `Item with id '${id}' not found.` },
      });
    }
  });

  it("lists its own input, page by page", async () => {
    const input = ["One", "Two", "Three"].map((content) => ({ role: "user", content }));
    const { id } = await respond({ input });
    const [status, all] = await ask(`${String(id)}/input_items?order=asc`);
    expect(status).toBe(200);
    const data = all["data"] as { readonly id: string }[];
    expect(data).toMatchObject(
      ["One", "Two", "Three"].map((text) => ({
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "user",
        content: [{ type: "input_text", text }],
      })),
    );
    const ids = data.map(({ id }) => id);
    expect(all).toMatchObject({ first_id: ids[0], last_id: ids[2], has_more: false });
    const [, newest] = await ask(`${String(id)}/input_items?limit=2`);
    expect(newest).toMatchObject({ first_id: ids[2], last_id: ids[1], has_more: true });
    const [, rest] = await ask(`${String(id)}/input_items?limit=2&after=${ids[1]}`);
    expect(rest).toMatchObject({ data: [{ id: ids[0] }], has_more: false });
    expect(await ask(`${String(id)}/input_items?limit=0`)).toMatchObject([
      400,
      { error: { param: "limit" } },
    ]);
    await respond({ input: [{ type: "item_reference", id: ids[1] }] });
    expect(sentMessages()).toEqual([{ role: "user", content: "Two" }]);
  });

  it("is nobody else's", async () => {
    const { id } = await respond({});
    const stranger = { ...AUTH, ...RIVAL };
    for (const [path, method] of [
      [String(id), "GET"],
      [String(id), "DELETE"],
      [`${String(id)}/input_items`, "GET"],
      [`${String(id)}/cancel`, "POST"],
    ] as const) {
      expect(await ask(path, method, stranger)).toMatchObject([
        404,
        { error: { code: "not_found" } },
      ]);
    }
    expect(await respond({ previous_response_id: id }, RIVAL)).toMatchObject({
      http: 400,
      error: {
        code: "previous_response_not_found",
        param: "previous_response_id",
        message: `Previous response with id '${String(id)}' not found.`,
      },
    });
    expect(await ask(String(id))).toMatchObject([200, { id }]);
  });

  it("is gone once deleted, and so is what it was for those that go on from it", async () => {
    const first = await respond({});
    const second = await respond({ previous_response_id: first["id"], input: "And?" });
    const id = String(first["id"]);
    expect(await ask(id, "DELETE")).toEqual([200, { id, object: "response", deleted: true }]);
    expect(await ask(id)).toMatchObject([404, { error: { code: "not_found" } }]);
    expect(await ask(id, "DELETE")).toMatchObject([404, {}]);
    expect(await ask(String(second["id"]))).toMatchObject([200, {}]);
    expect(await respond({ previous_response_id: second["id"] })).toMatchObject({
      error: { code: "previous_response_not_found" },
    });
  });

  it("is erased with its session", async () => {
    const { id, session } = await respond({});
    const path = `/v1/sessions/${String(session)}`;
    expect((await edge.call(path, { method: "DELETE", headers: AUTH })).status).toBe(200);
    expect(await ask(String(id))).toMatchObject([404, {}]);
    expect(await respond({ previous_response_id: id })).toMatchObject({ http: 400 });
  });

  it("is none when it was not to be, and none when it broke off", async () => {
    const { id, store } = await respond({ store: false });
    expect(store).toBe(false);
    expect(await ask(String(id))).toMatchObject([404, {}]);
    expect(await respond({ previous_response_id: id })).toMatchObject({ http: 400 });
    edge.engine.answers(
      () => new Response("data: {}\n\n", { headers: { "content-type": "text/event-stream" } }),
    );
    const broken = await respond({ stream: true });
    expect(broken["status"] ?? broken["http"]).not.toBe("completed");
  });

  it("is over when it is there, so that it cannot be cancelled", async () => {
    const { id } = await respond({});
    expect(await ask(`${String(id)}/cancel`, "POST")).toMatchObject([
      400,
      { error: { code: "invalid_request" } },
    ]);
    expect(await ask("resp_made_up/cancel", "POST")).toMatchObject([404, {}]);
  });

  it("counts as input for what goes on from it", async () => {
    const { id } = await respond({ input: "One question. ".repeat(100) });
    const count = async (members: object) => {
      const body = JSON.stringify({ model: "small", input: "And?", ...members });
      const init = { method: "POST", headers: AUTH, body };
      return (await edge.call("/v1/responses/input_tokens", init)).json<Json>();
    };
    const alone = await count({});
    expect(alone).toEqual({ object: "response.input_tokens", input_tokens: expect.any(Number) });
    const after = await count({ previous_response_id: id });
    expect(Number(after["input_tokens"])).toBeGreaterThan(Number(alone["input_tokens"]) + 100);
    expect(await count({ model: "gpt-99" })).toMatchObject({ error: { code: "model_not_found" } });
  });

  it("is not compacted", async () => {
    const refused = { code: "not_found", message: expect.stringContaining("Compaction") };
    expect(await ask("compact", "POST")).toMatchObject([404, { error: refused }]);
  });

  it("says so when it could not be stored, and is answered all the same", async () => {
    const no = async () => false;
    const lost = { store: async () => false, recall: async () => "lost" as const };
    const rest = {
      view: async () => undefined,
      erase: async () => false,
      fork: no,
      list: async () => ({ sessions: [] }),
      forget: no,
      replace: no,
      converse: no,
    };
    const forgetful = await createEdge({ mesh: { sessions: { ...lost, ...rest } } });
    const post = (members: object) => {
      const body = JSON.stringify({ model: "small", input: "Where did you run?", ...members });
      return forgetful.call("/v1/responses", { method: "POST", headers: AUTH, body });
    };
    const whole = await (await post({})).json<Json>();
    expect(whole).toMatchObject({ status: "completed", store: false });
    const events = responseEvents(await (await post({ stream: true })).text());
    expect(checkResponseEvents(events)).toMatchObject({ status: "completed", store: false });
    const { id } = await respond({});
    const unread = await post({ previous_response_id: id });
    expect(unread.status).toBe(503);
    expect(await unread.json()).toMatchObject({ error: { code: "engine_unavailable" } });
    await forgetful.settled();
  });
});

describe("calls to session objects", () => {
  it("are as few as what is asked of state allows", async () => {
    const calls = new CallCounts();
    const counted = await createEdge({ env: { SESSIONS: calls.of(env.SESSIONS, "Session") } });
    const made = async (members: object, headers: Record<string, string> = {}) => {
      calls.calls.clear();
      const body = JSON.stringify({ model: "small", input: "Where did you run?", ...members });
      const init = { method: "POST", headers: { ...AUTH, ...headers }, body };
      const response = await (await counted.call("/v1/responses", init)).json<Json>();
      await counted.settled();
      return { id: response["id"], calls: Object.fromEntries(calls.calls) };
    };
    const settled = { "Session.settle": 1 };
    expect((await made({ store: false })).calls).toEqual(settled);
    const opened = { ...settled, "Session.open": 1 };
    expect((await made({ store: false }, { "phaseway-session": "counted" })).calls).toEqual(opened);
    const first = await made({});
    expect(first.calls).toEqual({ ...settled, "Session.store": 1 });
    const next = await made({ previous_response_id: first.id });
    expect(next.calls).toEqual({ ...opened, "Session.recall": 1, "Session.store": 1 });
  });
});
