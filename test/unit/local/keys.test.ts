import { describe, expect, it } from "vitest";
import { parseKeys } from "../../../workers/edge/keys.ts";

const sha256 = "0".repeat(64);

describe("parseKeys", () => {
  it("turns the cache of embeddings on only where a key's entry does", () => {
    const one = "1".repeat(64);
    const list = [
      { tenant: "acme", sha256 },
      { tenant: "acme", sha256: one, cachesEmbeddings: true },
    ];
    const parsed = parseKeys(JSON.stringify(list));
    expect(parsed.ok && [...parsed.callers]).toEqual([
      [sha256, { tenant: "acme", cachesEmbeddings: false }],
      [one, { tenant: "acme", cachesEmbeddings: true }],
    ]);
  });

  it("says where a list is malformed, and nothing of what it holds", () => {
    const list = JSON.stringify([{ tenant: "acme", sha256, cachesEmbeddings: "yes" }]);
    expect(parseKeys(list)).toEqual({
      ok: false,
      problem: "is malformed at 0.cachesEmbeddings (invalid_type)",
    });
  });
});
