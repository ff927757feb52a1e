import { describe, expect, it } from "vitest";
import type { Pool } from "../../../src/core/fleet.ts";
import { ORCA_REQUEST_HEADERS } from "../../../src/engines/load/orca.ts";
import { engineRequest } from "../../../src/region/engine-request.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";

/** The headers that an engine of such a pool is sent with a leg. */
function headersFor(members: Partial<Pool>, change: Partial<LegOrder> = {}) {
  const order: LegOrder = {
    v: 1,
    ticket: "t",
    engine: "p/0",
    leg: "both",
    requestId: "req_1",
    path: "/v1/chat/completions",
    body: new TextEncoder().encode('{"model":"large","messages":[]}'),
    stream: false,
    firstTokenTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    ...change,
  };
  const access = {
    fleet: fleet({ poolList: [pool("p", members)] }),
    secret: () => undefined,
    engineFetch: () => Promise.reject(new TypeError("nothing is sent here")),
  };
  return engineRequest(access, order, undefined)?.init.headers;
}

describe("the headers of a leg", () => {
  it("are those of its pool and its dialect, and no others", () => {
    const headers = { "x-of-pool": "1" };
    expect(headersFor({ dialect: "llm-d", headers })).toEqual({
      ...ORCA_REQUEST_HEADERS,
      "x-of-pool": "1",
      "content-type": "application/json",
      "x-request-id": "req_1",
    });
  });

  it.each([
    [0, undefined],
    [1, "2000"],
    [2, "2000"],
  ] as const)(
    "promise no latency to batch work, and the mesh's to the rest: %s",
    (priority, ms) => {
      const hints = { priority, outputTokens: 9 };
      const sent = headersFor({ dialect: "llm-d" }, { hints }) as Record<string, string>;
      expect(sent["x-slo-ttft-ms"]).toBe(ms);
    },
  );
});
