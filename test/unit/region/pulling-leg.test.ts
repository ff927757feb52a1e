import { describe, expect, it } from "vitest";
import type { EngineAccess } from "../../../src/region/engine-request.ts";
import { runLeg } from "../../../src/region/run-leg.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "./leg-order.ts";

const ANSWER = '{"choices":[{"message":{"content":"hi"}}]}';

/** Runs a leg that is to pull, on an engine that answers so to it, and to others. */
async function pulling(whenPulling: number, otherwise = 200, body = "{}") {
  const sent: string[] = [];
  const access: EngineAccess = {
    fleet: fleet({ poolList: [pool("p", { dialect: "llamacpp" })] }),
    secret: () => undefined,
    engineFetch: async (_url, init) => {
      const asked = new TextDecoder().decode(init?.body as Uint8Array);
      sent.push(asked);
      const status = asked.includes('"pull"') ? whenPulling : otherwise;
      const headers = { "content-type": "application/json" };
      return new Response(status === 200 ? ANSWER : body, { status, headers });
    },
  };
  const order = legOrder({ pull: "p/1" });
  const answer = await runLeg(access, order, new AbortController().signal);
  return { answer, sent };
}

describe("a leg that is to pull", () => {
  it("names the other engine", async () => {
    const { answer, sent } = await pulling(200);
    expect(answer.ok).toBe(true);
    expect(answer).not.toHaveProperty("refusedPull");
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('"kv_transfer_params":{"pull":{"from":"http://p/1"}}');
  });

  it.each([400, 422])("computes where its engine will not: %d", async (status) => {
    const { answer, sent } = await pulling(status);
    expect(answer).toMatchObject({ ok: true, refusedPull: true });
    expect(sent).toHaveLength(2);
    expect(sent[1]).not.toContain("kv_transfer_params");
  });

  it("fails for what is wrong with it anyhow", async () => {
    const { answer } = await pulling(400, 422);
    expect(answer).toMatchObject({ ok: false, failure: { kind: "caller", status: 422 } });
    expect(answer).not.toHaveProperty("refusedPull");
  });

  it.each([500, 503])(
    "is not sent twice to an engine that fails or is full: %d",
    async (status) => {
      const { answer, sent } = await pulling(status);
      expect(answer.ok).toBe(false);
      expect(sent).toHaveLength(1);
    },
  );

  it("tells nobody where the other engine is", async () => {
    const { answer } = await pulling(503, 200, '{"error":{"message":"no peer http://p/1"}}');
    if (answer.ok) throw new TypeError("it did not fail");
    expect(new TextDecoder().decode(answer.failure.body)).not.toContain("http://p/1");
  });
});
