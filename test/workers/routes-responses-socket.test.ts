import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkResponseEvents, type ResponseEvent } from "../support/response-events.ts";
import { AUTH, createEdge, type Edge } from "./edge.ts";

let edge: Edge;

beforeAll(async () => {
  edge = await createEdge();
});
beforeEach(() => edge.engine.forget());
afterAll(() => edge.settled());

type Json = Record<string, unknown>;

async function connect() {
  const headers = { ...AUTH, upgrade: "websocket" };
  const { webSocket: socket, status } = await edge.call("/v1/responses", { headers });
  if (socket === null) throw new Error(`no WebSocket: ${status}`);
  socket.accept();
  const came: ResponseEvent[] = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    came.push(JSON.parse(String(data)) as ResponseEvent);
    wake();
  });
  return {
    socket,
    /** The events up to the end of the next response, or the error in its place. */
    async next(): Promise<ResponseEvent[]> {
      for (;;) {
        const at = came.findIndex(({ type }) => ENDS.test(type));
        if (at >= 0) return came.splice(0, at + 1);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async ask(members: object): Promise<Json> {
      const message = { type: "response.create", model: "small", store: false, ...members };
      socket.send(JSON.stringify(message));
      const events = await this.next();
      return events.length === 1 ? (events[0] as Json) : checkResponseEvents(events);
    },
  };
}

const ENDS = /^(response\.(completed|incomplete|failed)|error)$/;
const sentMessages = () => edge.engine.sent.at(-1)?.json["messages"];
const user = (content: string) => ({ role: "user", content });
const hello = { role: "assistant", content: "hello there" };

describe("a WebSocket on /v1/responses", () => {
  it("goes on from what is not stored, as long as it is open", async () => {
    const connection = await connect();
    const first = await connection.ask({ input: "One?" });
    expect(first).toMatchObject({ status: "completed", store: false });
    const second = await connection.ask({ input: "Two?", previous_response_id: first["id"] });
    expect(second).toMatchObject({ previous_response_id: first["id"], status: "completed" });
    expect(sentMessages()).toEqual([user("One?"), hello, user("Two?")]);
    await connection.ask({ input: [user("Three?")], previous_response_id: second["id"] });
    expect(sentMessages()).toEqual([user("One?"), hello, user("Two?"), hello, user("Three?")]);
    connection.socket.close();
    const later = await connect();
    expect(await later.ask({ input: "Four?", previous_response_id: second["id"] })).toMatchObject({
      type: "error",
      status: 400,
      error: { code: "previous_response_not_found" },
    });
    expect(await later.ask({ input: "Five?" })).toMatchObject({ status: "completed" });
    later.socket.close();
  });

  it("goes on from what is stored, and from what is not after it", async () => {
    const connection = await connect();
    const stored = await connection.ask({ input: "One?", store: true });
    connection.socket.close();
    const later = await connect();
    const second = await later.ask({ input: "Two?", previous_response_id: stored["id"] });
    await later.ask({ input: "Three?", previous_response_id: second["id"] });
    expect(sentMessages()).toEqual([user("One?"), hello, user("Two?"), hello, user("Three?")]);
    later.socket.close();
  });

  it("forgets what could not be gone on from", async () => {
    const connection = await connect();
    const { id } = await connection.ask({ input: "One?" });
    const wrong = { input: "Two?", previous_response_id: id, tools: [{ type: "web_search" }] };
    expect(await connection.ask(wrong)).toMatchObject({
      type: "error",
      error: { code: "unsupported_parameter" },
    });
    expect(await connection.ask({ input: "Two?", previous_response_id: id })).toMatchObject({
      error: { code: "previous_response_not_found" },
    });
    connection.socket.close();
  });

  it("answers in the order in which it was asked, and refuses what is no request", async () => {
    const { socket, next } = await connect();
    const create = (input: string) => ({
      type: "response.create",
      model: "small",
      input,
      store: false,
    });
    for (const input of ["One?", "Two?"]) socket.send(JSON.stringify(create(input)));
    for (const message of [
      "nonsense",
      JSON.stringify({ ...create("Three?"), type: "response.dance" }),
    ]) {
      socket.send(message);
    }
    expect(checkResponseEvents(await next())).toMatchObject({ status: "completed" });
    expect(checkResponseEvents(await next())).toMatchObject({ status: "completed" });
    expect(edge.engine.sent.map(({ json }) => json["messages"])).toEqual([
      [user("One?")],
      [user("Two?")],
    ]);
    const refused = { type: "error", status: 400, error: { param: "type" } };
    expect(await next()).toMatchObject([refused]);
    expect(await next()).toMatchObject([refused]);
    socket.close();
  });

  it("asks for a key, and for an upgrade", async () => {
    const keyless = await edge.call("/v1/responses", { headers: { upgrade: "websocket" } });
    expect(keyless.status).toBe(401);
    const plain = await edge.call("/v1/responses", { headers: AUTH });
    expect(plain.status).toBe(405);
    expect(plain.headers.get("allow")).toBe("POST");
  });
});
