import { describe, expect, it } from "vitest";
import type { EngineAccess } from "../../../src/region/engine-request.ts";
import { runLeg } from "../../../src/region/run-leg.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "./leg-order.ts";

const PIN = '{"backend_instance_id":18446744073709551615}';
const ANSWER = '{"choices":[{"message":{"content":"hi"}}]}';

/** Runs a leg that is pinned, on an endpoint that answers pinned and other requests with these statuses. */
async function pinned(workerPins: boolean, whenPinned: number, otherwise = 200) {
  const sent: string[] = [];
  const access: EngineAccess = {
    fleet: fleet({ poolList: [pool("p", { dialect: "dynamo", workerPins })] }),
    secret: () => undefined,
    engineFetch: async (_url, init) => {
      const body = new TextDecoder().decode(init?.body as Uint8Array);
      sent.push(body);
      const status = body.includes("backend_instance_id") ? whenPinned : otherwise;
      const headers = { "content-type": "application/json" };
      return new Response(status === 200 ? ANSWER : "{}", { status, headers });
    },
  };
  const order = legOrder({ pins: { "p/0": PIN } });
  const answer = await runLeg(access, order, new AbortController().signal);
  return { answer, sent };
}

describe("a leg pinned to the workers that served its session last", () => {
  it("asks for them, with all the digits of their names", async () => {
    const { answer, sent } = await pinned(true, 200);
    expect(answer.ok).toBe(true);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('"backend_instance_id":18446744073709551615');
  });

  it.each([400, 404, 500, 503])("is left to others when they are gone: %d", async (status) => {
    const { answer, sent } = await pinned(true, status);
    expect(answer.ok).toBe(true);
    expect(sent).toHaveLength(2);
    expect(sent[1]).not.toContain("backend_instance_id");
  });

  it("fails for what is wrong with it anyhow", async () => {
    const { answer } = await pinned(true, 400, 422);
    expect(answer).toMatchObject({ ok: false, failure: { kind: "caller", status: 422 } });
  });

  it("is not pinned where its pool does not say so", async () => {
    const { answer, sent } = await pinned(false, 500);
    expect(answer.ok).toBe(true);
    expect(sent.join()).not.toContain("backend_instance_id");
  });
});
