import { describe, expect, it } from "vitest";
import type { Pool } from "../../../src/core/fleet.ts";
import { ORCA_REQUEST_HEADERS } from "../../../src/engines/load/orca.ts";
import { engineRequest, withoutSecrets } from "../../../src/region/engine-request.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "./leg-order.ts";

const accessTo = (...poolList: readonly Pool[]) => ({
  fleet: fleet({ poolList }),
  secret: () => undefined,
  engineFetch: () => Promise.reject(new TypeError("nothing is sent here")),
});

/** What an engine of such a pool is sent with a leg. */
function sentTo(members: Partial<Pool>, change: Partial<LegOrder> = {}) {
  return engineRequest(accessTo(pool("p", members)), legOrder(change), undefined)?.init;
}

function headersFor(members: Partial<Pool>, change: Partial<LegOrder> = {}) {
  return sentTo(members, change)?.headers;
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

describe("the body of a leg", () => {
  it.each(["vllm-nixl", "openai"])(
    "tells engines nothing of one another that its caller made up, wherever: %s",
    (dialect) => {
      const body = new TextEncoder().encode(
        '{"model":"large","kv_transfer_params":{"remote_host":"evil"},"vllm_xargs":{"a":18446744073709551615, "kv_transfer_params":"evil"}}',
      );
      const sent = new TextDecoder().decode(sentTo({ dialect }, { body })?.body as Uint8Array);
      expect(sent).not.toContain("evil");
      expect(sent).toContain('"vllm_xargs":{"a":18446744073709551615}');
    },
  );
});

describe("what an engine says of a failure", () => {
  const meeting = (id: string, bootstrapHost: string) => {
    const known = pool(id, { engineCount: 1 });
    return { ...known, engines: known.engines.map((engine) => ({ ...engine, bootstrapHost })) };
  };
  const access = accessTo(
    meeting("p", "10.0.0.1"),
    meeting("d", "10.0.0.2"),
    meeting("x", "fd00::3"),
  );
  const said = (change: Partial<LegOrder>) =>
    withoutSecrets(
      { kind: "status", message: "10.0.0.1, 10.0.0.2, fd00::3" },
      access,
      legOrder({ leg: "decode", engine: "d/0", ...change }),
    ).message;

  it("names no address at which the engines of a split meet", () => {
    const split = { prefill: "p/0", decode: "d/0", rendezvous: "1" };
    expect(said({ split })).toBe("[redacted], [redacted], fd00::3");
  });

  it("names none that a handle may have led to", () => {
    expect(said({ handoff: "{}" })).toBe("[redacted], [redacted], [redacted]");
  });
});
