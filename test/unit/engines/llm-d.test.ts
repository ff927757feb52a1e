import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMemberOf } from "../../../src/core/json-members.ts";
import type { EngineAddress } from "../../../src/engines/dialect.ts";
import { bodyFor, written } from "./leg-fixtures.ts";

const CLIENT = '{"model":"a","messages":[],"max_tokens":50}';
const splitOf = (prefill: EngineAddress) => ({
  split: { prefill, decode: { url: "http://d:8000" }, rendezvous: "7" },
});

describe("a leg in llm-d", () => {
  it("tells the gateway the objective, the tenant and the promised latencies under both their names", () => {
    const { body, headers } = written("llm-d", "both", CLIENT, {
      hints: { priority: 1, outputTokens: 300, tenant: "0123456789abcdef" },
      slo: { ttftMs: 2000, tpotMs: 50 },
    });
    expect(body).toBe('{"model":"own-name","messages":[],"max_tokens":50}');
    expect(headers).toEqual({
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
    const { headers } = written("llm-d", "both", CLIENT, { hints });
    expect(headers["x-llm-d-inference-objective"]).toBe(objective);
  });

  it("says nothing of what is not known", () => {
    const { headers } = written("llm-d", "both", CLIENT);
    expect(headers).toEqual({ "x-request-id": "req_1" });
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
      const { headers } = written("llm-d", "decode", CLIENT, splitOf(prefill));
      expect(headers["x-prefiller-host-port"]).toBe(name);
    },
  );

  it.each(["both", "prefill"] as const)("that does not (%s) names none", (leg) => {
    const { headers } = written("llm-d", leg, CLIENT, splitOf({ url: "http://p:8000" }));
    expect(headers).not.toHaveProperty("x-prefiller-host-port");
  });

  it.each(["both", "decode"] as const)(
    "that answers (%s) names an engine for each piece of media, as the sidecar finds it",
    (leg) => {
      const encoders = [
        { url: "http://e0.pods:8000" },
        { url: "https://edge.example/e1", bootstrapHost: "10.0.0.9", bootstrapPort: 8300 },
        { url: "http://e0.pods:8000" },
      ];
      const { headers } = written("llm-d", leg, CLIENT, { encoders });
      expect(headers["x-encoder-hosts-ports"]).toBe("e0.pods:8000,10.0.0.9:8300,e0.pods:8000");
      expect(written("llm-d", leg, CLIENT, { encoders: [] }).headers).toEqual({
        "x-request-id": "req_1",
      });
    },
  );

  it("names no engine that the client would like, whatever it sends", () => {
    const value = fc.oneof(fc.json(), fc.bigInt({ min: 0n, max: 1n << 64n }).map(String));
    const leg = fc.constantFrom("both" as const, "decode" as const);
    fc.assert(
      fc.property(value, value, leg, (handle, seed, kind) => {
        const body = `{"kv_transfer_params":${handle},"bootstrap_host":${handle},"model":"a","seed":${seed},"bootstrap_room":${seed}}`;
        const sent = bodyFor("llm-d", kind, body, splitOf({ url: "http://p:8000" }));
        expect(sent).toBe(`{"model":"own-name","seed":${seed}}`);
      }),
    );
  });

  it("asks for the usage of a stream", () => {
    const sent = bodyFor("llm-d", "decode", CLIENT, { stream: true });
    expect(rawMemberOf(sent, "stream_options")).toBe('{"include_usage":true}');
  });
});
