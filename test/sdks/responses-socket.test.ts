import type OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { checkResponseEvents, type ResponseEvent } from "../support/response-events.ts";
import { openaiAt } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const question = { model: "small", max_output_tokens: 8, store: false };

/** Opens a connection, and asks on it for one response after another. */
function connection() {
  const socket = new ResponsesWS(client);
  let events: ResponseEvent[] = [];
  let waiting = Promise.withResolvers<Record<string, unknown>>();
  socket.on("event", (event) => {
    events.push(event as unknown as ResponseEvent);
    if (!/^response\.(completed|incomplete|failed)$/.test(event.type)) return;
    waiting.resolve(checkResponseEvents(events));
  });
  socket.on("error", (error) => waiting.reject(error));
  return {
    socket,
    ask(members: { input: string; previous_response_id?: string }) {
      events = [];
      waiting = Promise.withResolvers();
      socket.send({ type: "response.create", ...question, ...members });
      return waiting.promise;
    },
  };
}

describe("the OpenAI SDK's responses over a WebSocket", () => {
  it("go on from each other without being stored", async () => {
    const { socket, ask } = connection();
    const first = await ask({ input: "Where did you run?" });
    const second = await ask({ input: "And then?", previous_response_id: String(first["id"]) });
    expect(second).toMatchObject({ store: false, previous_response_id: first["id"] });
    const tokens = (response: Record<string, unknown>) =>
      (response["usage"] as { readonly input_tokens: number }).input_tokens;
    expect(tokens(second)).toBeGreaterThan(tokens(first) + 8);
    await expect(ask({ input: "Lost?", previous_response_id: "resp_lost" })).rejects.toThrow(
      "not found",
    );
    socket.close();
  });
});
