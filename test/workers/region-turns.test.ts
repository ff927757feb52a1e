import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { CallCounts } from "../../workers/bench/counted-calls.ts";
import { ask, createEdge } from "./edge.ts";

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

const TURNS = 10;
