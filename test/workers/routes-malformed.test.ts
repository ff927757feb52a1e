import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ask, createEdge, type Edge } from "./edge.ts";
import { politely } from "./fake-engine.ts";

let edge: Edge;

const edges: Edge[] = [];
beforeEach(async () => {
  edge = await createEdge();
  edges.push(edge);
});
afterAll(() => Promise.all(edges.map((one) => one.settled())));

const EVENT_STREAM = { headers: { "content-type": "text/event-stream" } };
const JSON_TYPE = { headers: { "content-type": "application/json" } };

describe("an engine that answers nonsense", () => {
  it.each(['{"choices":[', "[1]", '{"choices":[]}', ""])(
    "is left for another when the whole answer is %j",
    async (nonsense) => {
      let asked = 0;
      edge.engine.answers((sent) => {
        asked += 1;
        return asked === 1 ? new Response(nonsense, JSON_TYPE) : politely(sent);
      });
      const answer = await edge.chat(ask({ stream: false }));
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ choices: [{ index: 0 }] });
      expect(asked).toBe(2);
    },
  );

  it("is told of as a 502 when all do", async () => {
    edge.engine.answers(() => new Response('{"choices":[', JSON_TYPE));
    const answer = await edge.chat(ask({ stream: false }));
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ error: { code: "engine_failed" } });
  });

  it.each([
    ["has no content", "data: [DONE]\n\n"],
    ["tells of an error in SGLang's way", "data: {'error': {'message': 'x'}}\n\n"],
    ["has a line without an end", "x".repeat(9 * 1024 * 1024)],
    ["has comments without an end", ": ping\n\n".repeat(1024 * 1024 + 1)],
  ])("is left for another when its stream %s", async (_how, nonsense) => {
    let asked = 0;
    edge.engine.answers((sent) => {
      asked += 1;
      return asked === 1 ? new Response(nonsense, EVENT_STREAM) : politely(sent);
    });
    const answer = await edge.chat(ask({ stream: true }));
    expect(await answer.text()).toContain("[DONE]");
    expect(asked).toBe(2);
  });

  it("is left for another when the whole answer is nested deeper than anyone reads", async () => {
    let asked = 0;
    const deep = "[".repeat(1000) + "]".repeat(1000);
    edge.engine.answers((sent) => {
      asked += 1;
      const body = `{"choices":[{"message":{"content":"x"}}],"usage":${deep}}`;
      return asked === 1 ? new Response(body, JSON_TYPE) : politely(sent);
    });
    const answer = await edge.chat(ask({ stream: false }));
    expect(answer.status).toBe(200);
    expect(asked).toBe(2);
  });
});
