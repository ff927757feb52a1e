import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../../src/core/fleet.ts";
import { rawMemberOf } from "../../../src/core/json-members.ts";
import { pool } from "../plan/plan-fixtures.ts";
import { sentBody, sentLeg, type SentOrder, splitAt } from "./sent-leg.ts";

const CLIENT = '{"model":"a","messages":[],"max_tokens":50}';
const SPLIT = { split: splitAt() };

/** The headers beyond those of any leg. */
function headersOf(leg: "both" | "decode" | "prefill", given: SentOrder = {}) {
  const sent = sentLeg("llm-d", leg, CLIENT, given);
  const all: [string, string][] = [...(sent?.headers ?? [])];
  return Object.fromEntries(all.filter(([name]) => name.startsWith("x-")));
}

/** A pool of one engine that encodes. */
function eyes(engine: Omit<Engine, "pool">) {
  const [id = ""] = engine.id.split("/");
  const members = { dialect: "llm-d", roles: ["encode"] } as const;
  return { ...pool(id, members), engines: [{ ...engine, pool: id }] };
}

describe("a leg in llm-d", () => {
  it("tells the gateway the objective, the tenant and the promised latencies under both their names", () => {
    const given = {
      hints: { priority: 1, outputTokens: 300, tenant: "0123456789abcdef" },
    } as const;
    expect(sentBody("llm-d", "both", CLIENT, given)).toBe(
      '{"model":"own-name","messages":[],"max_tokens":50}',
    );
    expect(headersOf("both", given)).toEqual({
      "x-request-id": "req_1",
      "x-gateway-inference-objective": "interactive",
      "x-llm-d-inference-objective": "interactive",
      "x-gateway-inference-fairness-id": "0123456789abcdef",
      "x-llm-d-inference-fairness-id": "0123456789abcdef",
      "x-slo-ttft-ms": "2000",
      "x-llm-d-slo-ttft-ms": "2000",
      "x-slo-tpot-ms": "50",
      "x-llm-d-slo-tpot-ms": "50",
    });
  });

  it.each([
    [0, "batch"],
    [1, "interactive"],
    [2, "priority"],
  ] as const)("of priority %d has the objective %s", (priority, objective) => {
    const hints = { priority, outputTokens: 1 };
    expect(headersOf("both", { hints })["x-llm-d-inference-objective"]).toBe(objective);
  });

  it("says nothing of what is not known", () => {
    expect(headersOf("both")).toEqual({ "x-request-id": "req_1" });
  });

  it.each([
    [{ url: "http://p0.pods:8000" }, "p0.pods:8000"],
    [{ url: "http://p0.pods/engine/0" }, "p0.pods:80"],
    [{ url: "https://p0.pods" }, "p0.pods:443"],
    [{ url: "http://[fd00::7]:8000" }, "[fd00::7]:8000"],
    [
      { url: "https://edge.example/p0", bootstrapHost: "10.0.0.7", bootstrapPort: 8200 },
      "10.0.0.7:8200",
    ],
    [{ url: "http://p0:8000", bootstrapHost: "fd00::7" }, "[fd00::7]:8000"],
  ])(
    "that decodes a split names the prefill engine as the sidecar finds it: %j",
    (prefill, name) => {
      const headers = headersOf("decode", { ...SPLIT, prefill });
      expect(headers["x-prefiller-host-port"]).toBe(name);
    },
  );

  it.each(["both", "prefill"] as const)("that does not (%s) names none", (leg) => {
    expect(headersOf(leg, leg === "both" ? {} : SPLIT)).not.toHaveProperty("x-prefiller-host-port");
  });

  it.each(["both", "decode"] as const)(
    "that answers (%s) names an engine for each piece of media, as the sidecar finds it",
    (leg) => {
      const beside = [
        eyes({ id: "e/0", url: "http://e0.pods:8000" }),
        eyes({ id: "f/0", url: "https://f", bootstrapHost: "10.0.0.9", bootstrapPort: 8300 }),
      ];
      const media = Array.from({ length: 20 }, (_, n) => ({ type: "image_url", key: `k${n}` }));
      const hosts = headersOf(leg, { media, beside })["x-encoder-hosts-ports"]?.split(",");
      expect(hosts).toHaveLength(20);
      expect(new Set(hosts)).toEqual(new Set(["e0.pods:8000", "10.0.0.9:8300"]));
      expect(headersOf(leg, { media: [], beside })).toEqual({ "x-request-id": "req_1" });
    },
  );

  it("names no engine that the client would like, whatever it sends", () => {
    const value = fc.oneof(fc.json(), fc.bigInt({ min: 0n, max: 1n << 64n }).map(String));
    const leg = fc.constantFrom("both" as const, "decode" as const);
    fc.assert(
      fc.property(value, value, leg, (handle, seed, kind) => {
        const body = `{"kv_transfer_params":${handle},"bootstrap_host":${handle},"model":"a","seed":${seed},"bootstrap_room":${seed}}`;
        const sent = sentBody("llm-d", kind, body, SPLIT);
        expect(sent).toBe(`{"model":"own-name","seed":${seed}}`);
      }),
    );
  });

  it("asks for the usage of a stream", () => {
    const sent = sentBody("llm-d", "decode", CLIENT, { stream: true });
    expect(rawMemberOf(sent, "stream_options")).toBe('{"include_usage":true}');
  });
});
