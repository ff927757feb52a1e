import { describe, expect, it } from "vitest";
import type { Work } from "../../../src/core/receipt.ts";
import { parseRoute } from "../../../src/drive/route-header.ts";
import { PrefixTree } from "../../../src/drive/prefix-tree.ts";
import { reconcile } from "../../../src/drive/reconcile.ts";
import type { LedgerEntry } from "../../../src/drive/reconcile.ts";

const COUNTS = { promptTokens: 100, cachedTokens: 60, computedTokens: 40, outputTokens: 1 };

describe("reconciling receipts with ledgers", () => {
  it("agrees when every leg and sum is the same", () => {
    expect(judge([work({})], [entry({})])).toMatchObject({
      ok: true,
      computed_tokens: { receipts: 40, ledger: 40 },
    });
  });

  it("leaves legs of other requests out", () => {
    expect(judge([work({})], [entry({}), entry({ requestId: "someone-else" })]).ok).toBe(true);
  });

  it("finds a leg of ours that no receipt tells of, on any engine", () => {
    const { engines } = reconcile(
      [work({})],
      new Map([
        ["p/0", [entry({})]],
        ["p/1", [entry({ leg: "decode" })]],
      ]),
    );
    expect(engines.map((e) => e.ok)).toEqual([true, false]);
    expect(engines[1]?.examples).toEqual(["r decode: in the ledger, in no receipt"]);
  });

  it("finds a leg that no engine ran, unless it failed unseen", () => {
    expect(judge([work({})], []).ok).toBe(false);
    const failed: Work = { ...bare(), outcome: "failed" };
    expect(judge([failed], [])).toMatchObject({ ok: true, unseen: 1 });
  });

  it("lets the decode leg of a split leave its cache unsaid, but not its tokens", () => {
    const truth = entry({ leg: "decode", cachedTokens: 99, computedTokens: 1 });
    const said: Work = { ...bare(), leg: "decode", promptTokens: 100, outputTokens: 1 };
    expect(judge([said], [truth]).ok).toBe(true);
    expect(judge([{ ...said, outputTokens: 2 }], [truth]).ok).toBe(false);
  });

  it("wants nothing claimed for a leg whose engine reported nothing", () => {
    expect(judge([bare()], [entry({ reportedUsage: false })]).ok).toBe(true);
    expect(judge([work({})], [entry({ reportedUsage: false })]).ok).toBe(false);
  });

  it("fails when a ledger could not be read", () => {
    expect(reconcile([work({})], new Map([["p/0", "404"]]))).toMatchObject({
      ok: false,
      engines: [{ examples: ["404"] }],
    });
  });
});

describe("the route header", () => {
  it("names mode and engines", () => {
    expect(parseRoute('mode=disaggregated, prefill="cpx-use1/0", decode="h200-iad/1"')).toEqual({
      mode: "disaggregated",
      engines: ["cpx-use1/0", "h200-iad/1"],
    });
  });
});

describe("the tree of texts seen", () => {
  it("finds the longest prefix shared with any of them", () => {
    const tree = new PrefixTree();
    for (const text of ["abcdef", "abxy", "abcd", "q"]) tree.add(bytes(text));
    expect(
      ["abcdeZ", "abxyz", "abQ", "Z", "q", ""].map((text) => tree.common(bytes(text))),
    ).toEqual([5, 4, 2, 0, 1, 0]);
  });
});

function judge(works: readonly Work[], entries: readonly LedgerEntry[]) {
  const report = reconcile(works, new Map([["p/0", entries]])).engines[0];
  if (!report) throw new Error("no report");
  return report;
}

function bare(): Work {
  return {
    engine: "p/0",
    leg: "both",
    requestId: "r",
    outcome: "served",
    startedAt: 0,
    endedAt: 1,
  };
}

function work(differences: Partial<Work>): Work {
  return { ...bare(), ...COUNTS, ...differences };
}

function entry(differences: Partial<LedgerEntry>): LedgerEntry {
  return { requestId: "r", leg: "both", ...COUNTS, reportedUsage: true, ...differences };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
