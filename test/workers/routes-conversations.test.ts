import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AUTH, createEdge, type Edge, RIVAL } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;
type Listed = { readonly data: readonly ({ readonly id: string } & Json)[] } & Json;

async function ask(
  path: string,
  method = "GET",
  body?: object,
  headers: Record<string, string> = AUTH,
): Promise<Json & { readonly http: number }> {
  const answer = await edge.call(`/v1/${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  return { ...(await answer.json<Json>()), http: answer.status };
}

const make = (body?: object) => ask("conversations", "POST", body);
const respond = (members: object, headers: Record<string, string> = AUTH) =>
  ask("responses", "POST", { model: "small", input: "And?", ...members }, headers);
const items = async (id: unknown) =>
  (await ask(`conversations/${String(id)}/items?order=asc`)) as unknown as Listed;
const said = ({ data }: Listed) =>
  data.map(({ role, content }) => [role, (content as { text: string }[])[0]?.text]);
const sentMessages = () => edge.engine.sent.at(-1)?.json["messages"];
const user = (content: string) => ({ role: "user", content });
const hello = { role: "assistant", content: "hello there" };

describe("a conversation", () => {
  it("is made with what its caller notes, noted anew, and ended", async () => {
    const made = await make({ metadata: { topic: "maps" } });
    expect(made).toEqual({
      http: 200,
      id: expect.stringMatching(/^conv_[0-9a-f]+$/),
      object: "conversation",
      created_at: expect.any(Number),
      metadata: { topic: "maps" },
    });
    const path = `conversations/${String(made["id"])}`;
    expect(await ask(path)).toEqual(made);
    const noted = { ...made, metadata: { topic: "roads" } };
    expect(await ask(path, "POST", { metadata: { topic: "roads" } })).toEqual(noted);
    expect(await ask(path)).toEqual(noted);
    const ended = { id: made["id"], object: "conversation.deleted", deleted: true, http: 200 };
    expect(await ask(path, "DELETE")).toEqual(ended);
    for (const gone of [ask(path), ask(path, "DELETE"), respond({ conversation: made["id"] })]) {
      expect(await gone).toMatchObject({ http: 404, error: { code: "not_found" } });
    }
    expect((await make()).http).toBe(200);
  });

  it("is what its responses go on from, and what they are added to", async () => {
    const { id } = await make({ items: [user("Listen.")] });
    const first = await respond({ conversation: id, input: "One?" });
    expect(first).toMatchObject({ http: 200, conversation: { id }, store: true });
    expect(sentMessages()).toEqual([user("Listen."), user("One?")]);
    await respond({ conversation: { id }, input: "Two?", store: false });
    expect(sentMessages()).toEqual([user("Listen."), user("One?"), hello, user("Two?")]);
    expect(said(await items(id))).toEqual([
      ["user", "Listen."],
      ["user", "One?"],
      ["assistant", "hello there"],
      ["user", "Two?"],
      ["assistant", "hello there"],
    ]);
    expect(await ask(`responses/${String(first["id"])}`)).toMatchObject({ http: 200 });
  });

  it("loses nothing when several responses are given at once", async () => {
    const { id } = await make();
    await Promise.all(
      ["One?", "Two?", "Three?"].map((input) => respond({ conversation: id, input })),
    );
    const asked = said(await items(id)).filter(([role]) => role === "user");
    expect(asked.map(([, text]) => text).toSorted()).toEqual(["One?", "Three?", "Two?"]);
  });

  it("takes items, gives each by its id, and lets each be taken out", async () => {
    const { id } = await make();
    const added = await ask(`conversations/${String(id)}/items`, "POST", {
      items: [user("One"), user("Two")],
    });
    const { data } = added as unknown as Listed;
    expect(data).toMatchObject([{ content: [{ text: "One" }] }, { content: [{ text: "Two" }] }]);
    await respond({ conversation: id });
    const all = await items(id);
    expect(all.data.slice(0, 2)).toEqual(data);
    for (const item of all.data) {
      const path = `conversations/${String(id)}/items/${item.id}`;
      expect(await ask(path)).toEqual({ ...item, http: 200 });
    }
    const [one, , , answer] = all.data;
    for (const item of [one, answer]) {
      const path = `conversations/${String(id)}/items/${item?.id}`;
      expect(await ask(path, "DELETE")).toMatchObject({ http: 200, id });
      expect(await ask(path)).toMatchObject({ http: 404 });
    }
    expect(said(await items(id))).toEqual([
      ["user", "Two"],
      ["user", "And?"],
    ]);
    await respond({ conversation: id, input: "Last?" });
    expect(sentMessages()).toEqual([user("Two"), user("And?"), user("Last?")]);
  });

  it("goes on without a response that was deleted", async () => {
    const { id } = await make();
    await respond({ conversation: id, input: "One?" });
    const second = await respond({ conversation: id, input: "Two?" });
    const third = await respond({ conversation: id, input: "Three?" });
    await ask(`responses/${String(second["id"])}`, "DELETE");
    expect(said(await items(id)).map(([, text]) => text)).toEqual([
      "One?",
      "hello there",
      "Three?",
      "hello there",
    ]);
    await ask(`responses/${String(third["id"])}`, "DELETE");
    await respond({ conversation: id, input: "Four?" });
    expect(sentMessages()).toEqual([user("One?"), hello, user("Four?")]);
  });

  it("is nobody else's, and no place for what is not its own", async () => {
    const { id } = await make({ items: [user("One")] });
    const other = await make({ items: [user("Other")] });
    const path = `conversations/${String(id)}`;
    const [item] = (await items(other["id"])).data;
    const missing = { http: 404, error: { code: "not_found" } };
    expect(await ask(path, "GET", undefined, RIVAL)).toMatchObject(missing);
    expect(await ask(path, "DELETE", undefined, RIVAL)).toMatchObject(missing);
    expect(await ask(`${path}/items`, "POST", { items: [] }, RIVAL)).toMatchObject(missing);
    expect(await respond({ conversation: id }, RIVAL)).toMatchObject(missing);
    expect(await ask(`${path}/items/${item?.id}`)).toMatchObject(missing);
    expect(await ask(`${path}/items/${item?.id}`, "DELETE")).toMatchObject(missing);
    expect(await respond({ conversation: "my-own-key" })).toMatchObject(missing);
    const response = await respond({});
    const both = await respond({ conversation: id, previous_response_id: response["id"] });
    expect(both).toMatchObject({ http: 400, error: { param: "previous_response_id" } });
    const reference = { type: "item_reference", id: item?.id };
    expect(await make({ items: [reference] })).toMatchObject({
      http: 400,
      error: { param: "items" },
    });
  });

  it("is a session, and is erased with it", async () => {
    const { id } = await make();
    const init = { method: "POST", headers: AUTH };
    const body = JSON.stringify({ model: "small", input: "One?", conversation: id });
    const answer = await edge.call("/v1/responses", { ...init, body });
    await answer.text();
    await ask(`sessions/${answer.headers.get("phaseway-session")}`, "DELETE");
    expect(await ask(`conversations/${String(id)}`)).toMatchObject({ http: 404 });
  });
});
