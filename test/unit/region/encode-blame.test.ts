import { describe, expect, it } from "vitest";
import { runLeg } from "../../../src/region/run-leg.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";

const POOLS = [
  pool("p", { dialect: "llm-d" }),
  pool("d", { dialect: "llm-d" }),
  {
    ...pool("e", { dialect: "llm-d", roles: ["encode"], engineCount: 1 }),
    engines: [{ id: "e/0", pool: "e", url: "http://eyes.pods:8000" }],
  },
];
const MEDIA = [{ type: "image_url", key: "k" }];
const UNENCODED = "encoder request failed for item 0 with status 500: eyes.pods:8000 is down";

/** The failure of a leg whose engine answers with that status and message. */
async function failing(message: string, order: Partial<LegOrder> = {}, status = 502) {
  const body = JSON.stringify({ object: "error", message, code: status });
  const access = {
    fleet: fleet({ poolList: POOLS }),
    secret: () => undefined,
    engineFetch: async () => new Response(body, { status }),
  };
  const leg: LegOrder = {
    v: 1,
    ticket: "t",
    engine: "d/0",
    leg: "both",
    requestId: "req_1",
    path: "/v1/chat/completions",
    body: new TextEncoder().encode('{"model":"large","messages":[]}'),
    stream: false,
    media: MEDIA,
    firstTokenTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    ...order,
  };
  const answer = await runLeg(access, leg, new AbortController().signal);
  if (answer.ok) throw new TypeError("the engine failed");
  return answer.failure;
}

describe("a leg whose media was to be encoded elsewhere", () => {
  const split = { prefill: "p/0", decode: "d/0", rendezvous: "7" };

  it("blames who was to encode it, and says nowhere who that is", async () => {
    for (const order of [{}, { leg: "decode", split }] as const) {
      const { blames, body } = await failing(UNENCODED, order);
      expect(blames).toBe("encoder");
      expect(new TextDecoder().decode(body)).not.toContain("eyes.pods");
    }
  });

  it("blames as ever for anything else", async () => {
    expect((await failing("out of memory")).blames).toBeUndefined();
    expect((await failing("out of memory", { leg: "decode", split })).blames).toBe("either");
  });

  it("blames nobody who was not asked", async () => {
    expect((await failing(UNENCODED, { media: [] })).blames).toBeUndefined();
  });
});
