import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AUTH, KEYS, RIVAL } from "./edge.ts";
import { createEmbeddingEdge, type EmbeddingEdge, VECTORS, vectors } from "./embedding-edge.ts";

const SECOND_KEY = "sk-acme-uncached";
const body = { model: "embed", input: "hi" };
let edge: EmbeddingEdge;

beforeEach(async () => {
  const entries = [
    { tenant: "acme", key: KEYS.acme, cachesEmbeddings: true },
    { tenant: "acme", key: SECOND_KEY },
    { tenant: "rival", key: KEYS.rival, cachesEmbeddings: true },
  ];
  const keys = entries.map(async ({ key, ...entry }) => ({ ...entry, sha256: await sha256(key) }));
  edge = await createEmbeddingEdge({ PHASEWAY_KEYS: JSON.stringify(await Promise.all(keys)) });
  edge.engine.answers(() => vectors());
});
afterEach(() => edge.settled());

async function sha256(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What `phaseway-cache` says of an answer that was read. */
async function asked(...request: Parameters<EmbeddingEdge["embed"]>) {
  const response = await edge.embed(...request);
  expect(await response.text()).toBe(VECTORS);
  return response.headers.get("phaseway-cache");
}

describe("the cache of embeddings", () => {
  it("gives the same answer to the same request, which says so and names the first one's receipt", async () => {
    const first = await edge.embed(body);
    const again = await edge.embed(body);
    expect(await again.text()).toBe(await first.text());
    expect(edge.engine.sent).toHaveLength(1);
    const told = (name: string) => [first, again].map(({ headers }) => headers.get(name));
    expect(told("phaseway-cache")).toEqual(["miss", "hit"]);
    expect(told("content-type")).toEqual(["application/json", "application/json"]);
    const [receipt, same] = told("phaseway-receipt");
    expect(same).toBe(receipt);
    expect(receipt).toMatch(/^rct_/);
    const [id, other] = told("x-request-id");
    expect(other).not.toBe(id);
    expect(told("phaseway-route")[1], "nothing ran").toBeNull();
  });

  it("is asked again for any other request", async () => {
    await asked(body);
    expect(await asked({ ...body, input: "ho" })).toBe("miss");
    expect(await asked({ ...body, dimensions: 2 })).toBe("miss");
    expect(await asked({ ...body, encoding_format: "base64" })).toBe("miss");
    expect(await asked(` ${JSON.stringify(body)}`)).toBe("miss");
    expect(edge.engine.sent).toHaveLength(5);
  });

  it("gives nothing made somewhere to whoever asked for a place", async () => {
    await asked(body);
    const placed = { ...AUTH, "phaseway-labels": "place=eu" };
    expect(await asked(body, placed)).toBe("miss");
    expect(await asked(body, placed)).toBe("hit");
  });

  it("never crosses tenants", async () => {
    await asked(body);
    expect(await asked(body, RIVAL)).toBe("miss");
    expect(edge.engine.sent).toHaveLength(2);
    expect(await asked(body, RIVAL)).toBe("hit");
  });

  it("is off for keys whose entry does not turn it on", async () => {
    const second = { authorization: `Bearer ${SECOND_KEY}` };
    await asked(body);
    expect(await asked(body, second)).toBeNull();
    expect(await asked(body, second)).toBeNull();
    expect(edge.engine.sent).toHaveLength(3);
  });

  it("keeps no errors", async () => {
    const refused = { status: 400, headers: { "content-type": "application/json" } };
    edge.engine.answers(() => new Response('{"error":{"message":"no"}}', refused));
    expect((await edge.embed(body)).status).toBe(400);
    edge.engine.answers(() => vectors());
    expect(await asked(body)).toBe("miss");
  });

  it("keeps no more than its bytes", async () => {
    const large = VECTORS.replace("0.10", "0.1".padEnd(4_000_000, "0"));
    edge.engine.answers(() => vectors(large));
    const inputs = ["a", "b", "c", "d", "e"];
    for (const input of inputs) await (await edge.embed({ ...body, input })).arrayBuffer();
    const again = async (input: string) => {
      const { headers } = await edge.embed({ ...body, input });
      return headers.get("phaseway-cache");
    };
    expect(await again("e")).toBe("hit");
    expect(await again("a")).toBe("miss");
  });
});
