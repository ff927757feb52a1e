import { describe, expect, it } from "vitest";
import { ask, AUTH, createEdge, RIVAL, type Edge } from "./edge.ts";
import { politely } from "./fake-engine.ts";
import { testMesh } from "./test-mesh.ts";

/** An edge of one pool, whose one URL hides a fleet that chooses its engines itself. */
function edgeOf(pool: Record<string, unknown>): Promise<Edge> {
  const endpoint = {
    model: "llama-8b",
    device: "h200",
    devices: 4,
    region: "iad",
    roles: ["prefill", "decode"],
    routed: "itself",
    perMTok: { in: 0.1, cached: 0.05, out: 0.2 },
    engines: [{ id: "0", url: "https://gateway.internal" }],
    ...pool,
  };
  const { "big-iad": big } = testMesh.pools;
  const pools = { endpoint, "big-iad": big };
  // The Region objects of these tests know another mesh.
  return createEdge({ regions: false, env: { MESH: { ...testMesh, pools } } });
}

describe("an llm-d gateway", () => {
  const FROM_CLIENT = {
    "x-prefiller-host-port": "169.254.169.254:80",
    "x-gateway-inference-fairness-id": "somebody-else",
    "x-llm-d-inference-objective": "mine-first",
    "x-llm-d-slo-ttft-ms": "1",
    "x-data-parallel-host-port": "169.254.169.254:80",
  };

  it("hears of the request from us, and nothing that the client's headers say", async () => {
    const edge = await edgeOf({ dialect: "llm-d" });
    const body = ask({ service_tier: "flex", kv_transfer_params: { remote_host: "evil" } });
    const response = await edge.chat(body, FROM_CLIENT);
    expect(response.status).toBe(200);
    const { headers, json } = edge.engine.sent[0] ?? {};
    expect(Object.fromEntries(headers ?? [])).toEqual({
      "content-type": "application/json",
      "x-request-id": response.headers.get("x-request-id"),
      "x-gateway-inference-objective": "batch",
      "x-llm-d-inference-objective": "batch",
      "x-gateway-inference-fairness-id": expect.stringMatching(/^[0-9a-f]{16}$/),
      "x-llm-d-inference-fairness-id": expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(json).not.toHaveProperty("kv_transfer_params");
    await edge.settled();
  });

  it("can tell tenants apart, and does not learn who they are", async () => {
    const edge = await edgeOf({ dialect: "llm-d" });
    for (const key of [AUTH, RIVAL, AUTH]) await edge.chat(ask({ cache_salt: "own" }), key);
    const tags = edge.engine.sent.map(({ headers }) =>
      headers.get("x-llm-d-inference-fairness-id"),
    );
    expect(tags[0]).toBe(tags[2]);
    expect(tags[0]).not.toBe(tags[1]);
    expect(edge.engine.sent[0]?.json["cache_salt"]).not.toContain(tags[0]);
    await edge.settled();
  });
});

describe("a Dynamo frontend that tells which of its workers served", () => {
  const WORKER = "18446744073709551615";
  /** Parsed JSON would lose the digits of a worker's id. */
  const telling = async (sent: Parameters<typeof politely>[0]) => {
    const told = `"nvext":{"worker_id":{"decode_worker_id":${WORKER}},"timing":{"ttft_ms":45.2}}`;
    const whole = (await politely(sent).text()).replace("{", `{${told},`);
    return new Response(whole, { headers: { "content-type": "application/json" } });
  };

  it("tells a client who asked, with every digit", async () => {
    const edge = await edgeOf({ dialect: "dynamo" });
    edge.engine.answers(telling);
    const response = await edge.chat(ask({ nvext: { extra_fields: ["worker_id"] } }));
    expect(await response.text()).toContain(`"decode_worker_id":${WORKER}`);
    await edge.settled();
  });

  it("has it in the receipt and not in the answer, and serves the next turn there", async () => {
    const edge = await edgeOf({ dialect: "dynamo", workerPins: true });
    edge.engine.answers(telling);
    const session = { "phaseway-session": crypto.randomUUID() };
    const first = await edge.chat(ask(), session);
    expect(await first.text()).not.toContain("nvext");
    await edge.settled();
    const { messages } = ask();
    const again = { role: "user", content: "And now?" };
    const said = { role: "assistant", content: "hello there" };
    await edge.chat(ask({ messages: [...messages, said, again] }), session);
    await edge.settled();
    const [one, two] = edge.engine.sent.map(({ body }) => new TextDecoder().decode(body));
    expect(one).not.toContain("backend_instance_id");
    expect(two).toContain(`"backend_instance_id":${WORKER}`);
    const id = first.headers.get("phaseway-receipt") ?? "";
    const receipt = await edge.call(`/v1/receipts/${id}`, { headers: AUTH });
    expect(await receipt.json()).toMatchObject({
      segments: expect.arrayContaining([
        expect.objectContaining({ phase: "decode", engine: "endpoint/0", toldEngine: WORKER }),
      ]),
      work: [{ engine: "endpoint/0", told: { decode: WORKER, ttftMs: 45.2 } }],
    });
  });

  it("keeps what pins a session to itself", async () => {
    const edge = await edgeOf({ dialect: "dynamo", workerPins: true });
    edge.engine.answers(telling);
    const session = { "phaseway-session": crypto.randomUUID() };
    const response = await edge.chat(ask(), session);
    await edge.settled();
    const id = response.headers.get("phaseway-session");
    const view = await edge.call(`/v1/sessions/${id}`, { headers: AUTH });
    const text = await view.text();
    expect(text).toContain('"engine":"endpoint/0"');
    expect(text).not.toContain('"pin"');
  });
});
