import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMemberOf } from "../../src/core/json-members.ts";
import { ask, createEdge, type Edge } from "./edge.ts";
import { type Answer, politely } from "./fake-engine.ts";
import { testMesh } from "./test-mesh.ts";

/** An edge whose small model is prefilled by one engine and decoded by another, in that dialect. */
function splitEdge(dialect: string) {
  const half = (role: string, devices: number) => ({
    ...testMesh.pools["far-iad"],
    dialect,
    devices,
    roles: [role],
    kvLayout: "8b",
    engines: [{ id: "0", url: `https://${role}.internal`, apiKeySecret: "ENGINE_KEY" }],
  });
  const { "big-iad": big } = testMesh.pools;
  const pools = { big, prefill: half("prefill", 16), decode: half("decode", 1) };
  const link = { from: "prefill", to: "decode", transport: "rdma", gbps: 400, perFlowGbps: 400 };
  const links = [{ ...link, rttMs: 0.1, usdPerGB: 0 }];
  return createEdge({ regions: false, env: { MESH: { ...testMesh, pools, links } } });
}

/** A prompt that no engine has seen, long enough to be worth splitting between engines of unlike size. */
function long() {
  const content = `${crypto.randomUUID()} ${"word ".repeat(16_000)}`;
  return ask({ stream: true, messages: [{ role: "user", content }] });
}

/** JSON as an engine may write it, with numbers that no double holds. */
const number = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(String);
const space = fc.constantFrom("", " ", "\n  ");
const blob = fc
  .tuple(space, fc.array(fc.tuple(fc.string(), fc.oneof(number, fc.json())), { maxLength: 5 }))
  .map(([gap, members]) => {
    const all = members.map(([name, value]) => `${JSON.stringify(`x${name}`)}${gap}:${value}`);
    return { gap, members: all.map((one) => `,${gap}${one}`).join("") };
  });

describe("what a TensorRT-LLM context engine hands over", () => {
  it("reaches the generation engine byte for byte, but for what it is told to do", async () => {
    const edges: Edge[] = [];
    await fc.assert(
      fc.asyncProperty(blob, number, fc.array(number), async ({ gap, members }, request, ids) => {
        const params = (type: string) =>
          `{"request_type"${gap}:"${type}","ctx_request_id":${request}${members}}`;
        const tokens = `[${ids.join(`,${gap}`)}]`;
        const context = `{"choices":[${gap}{"finish_reason":"length","disaggregated_params":${params("context_only")}}],"prompt_token_ids":${tokens}}`;
        const answer: Answer = (sent) => {
          const { hostname, pathname } = new URL(sent.url);
          if (pathname === "/server_info") return Response.json({}, { status: 404 });
          return hostname === "prefill.internal" ? new Response(context) : politely(sent);
        };
        // An engine that has had much to do lately would decode without.
        const edge = await splitEdge("trtllm");
        edges.push(edge);
        edge.engine.answers(answer);
        const response = await edge.chat(long());
        expect(await response.text()).toContain("hello ");
        const decoded = edge.engine.sent.find(({ url }) => url.includes("decode.internal/v1"));
        const body = new TextDecoder().decode(decoded?.body);
        expect(rawMemberOf(body, "disaggregated_params")).toBe(params("generation_only"));
        expect(rawMemberOf(body, "prompt_token_ids")).toBe(tokens);
      }),
      { numRuns: 20 },
    );
    await Promise.all(edges.map((edge) => edge.settled()));
  });
});

describe("both TensorRT-LLM engines of a request, generation first", () => {
  it("get one number of 64 bits, and generation where to fetch from", async () => {
    const edge = await splitEdge("trtllm-gen-first");
    edge.engine.answers((sent) => {
      const { hostname, pathname } = new URL(sent.url);
      if (pathname === "/server_info") {
        expect(hostname).toBe("prefill.internal");
        return Response.json({ disaggregated_params: { ctx_info_endpoint: ["tcp://ctx:5000"] } });
      }
      return politely(sent);
    });
    await (await edge.chat(long())).text();
    await edge.settled();
    const params = (host: string) => {
      const sent = edge.engine.sent.find(({ url }) => url.includes(`${host}.internal/v1`));
      return rawMemberOf(new TextDecoder().decode(sent?.body), "disaggregated_params") ?? "";
    };
    const number = rawMemberOf(params("prefill"), "disagg_request_id") ?? "";
    expect(BigInt(number)).toBeGreaterThan(1n << 62n);
    expect(params("prefill")).toContain('"request_type":"context_only"');
    expect(params("decode")).toBe(
      `{"ctx_info_endpoint":"tcp://ctx:5000","request_type":"generation_only","ctx_request_id":${number},"disagg_request_id":${number},"schedule_style":1}`,
    );
  });
});
