import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { CallCounts } from "../../workers/bench/counted-calls.ts";
import { ask, createEdge } from "./edge.ts";
import { politely } from "./fake-engine.ts";

describe("a turn in a mesh with regions", () => {
  it("makes two Session calls and one reserve a leg; reports of many turns ride together", async () => {
    const calls = new CallCounts();
    const edge = await createEdge({
      env: {
        REGIONS: calls.of(env.REGIONS, "Region"),
        SESSIONS: calls.of(env.SESSIONS, "Session"),
      },
    });
    for (let turn = 0; turn < TURNS; turn += 1) {
      const answer = await edge.chat(ask(), { "phaseway-session": "counted" });
      expect(answer.status).toBe(200);
      await answer.text();
    }
    await edge.settled();
    const { "Region.report": reports = 0, ...others } = Object.fromEntries(calls.calls);
    expect(others).toEqual({
      "Session.open": TURNS,
      "Session.settle": TURNS,
      "Region.reserve": TURNS,
    });
    expect(reports).toBeGreaterThan(0);
    expect(reports).toBeLessThan(TURNS / 2);
  });
});

describe("a turn in a mesh without regions", () => {
  it("is granted by its edge, which goes on with another engine where one fails", async () => {
    const calls = new CallCounts();
    const edge = await createEdge({
      regions: false,
      env: { SESSIONS: calls.of(env.SESSIONS, "Session") },
    });
    let asked = 0;
    edge.engine.answers((sent) =>
      ++asked === 1 ? new Response("down", { status: 503 }) : politely(sent),
    );
    const answer = await edge.chat(ask(), { "phaseway-session": "alone" });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("hello there");
    await edge.settled();
    expect(new Set(edge.engine.sent.map(({ url }) => url)).size).toBe(2);
    expect(Object.fromEntries(calls.calls)).toEqual({ "Session.open": 1, "Session.settle": 1 });
  });
});

const TURNS = 10;
