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

  it("finds a leg that no engine ran, unless it failed or was given up unseen", () => {
    expect(judge([work({})], []).ok).toBe(false);
    expect(judge([bare()], []).ok).toBe(false);
    for (const outcome of ["failed", "cancelled"] as const)
      expect(judge([{ ...bare(), outcome }], [])).toMatchObject({ ok: true, unseen: 1 });
  });

  it("counts legs whose engine told its tokens when they had been given up", () => {
    const givenUp: Work = { ...bare(), outcome: "cancelled" };
    expect(judge([givenUp], [entry({})])).toMatchObject({ ok: true, unheard: 1 });
    expect(judge([{ ...givenUp, outputTokens: 2 }], [entry({})]).ok).toBe(false);
    expect(judge([bare()], [entry({})]), "served").toMatchObject({ ok: false, unheard: 0 });
  });

  it("pairs a request's legs on one engine by what they said, in whatever order they were written down", () => {
    const cut: Work = { ...bare(), outcome: "failed", outputTokens: 3 };
    const declined: Work = { ...bare(), outcome: "cancelled" };
    const entries = [0, 3].map((outputTokens) => entry({ outputTokens, reportedUsage: false }));
    expect(judge([declined, cut], entries).ok).toBe(true);
    expect(judge([{ ...declined, outputTokens: 1 }, cut], entries).ok).toBe(false);
  });

  it("takes what was fetched from elsewhere for cached", () => {
    const fetched = entry({ leg: "prefill", cachedTokens: 16, pulledTokens: 44 });
    expect(judge([work({ leg: "prefill" })], [fetched]).ok).toBe(true);
    expect(judge([work({ leg: "prefill", cachedTokens: 16 })], [fetched]).ok).toBe(false);
  });

  it("holds a leg that was to pull to what it says came, which is nothing where it says so", () => {
    const pull = { from: "p/1", tokens: 50, bytes: 500, ms: 3 };
    const pulled = (tokens: number, bytes: number) =>
      judge(
        [work({ pull, told: { fetched: { tokens, bytes, ms: 2 } } })],
        [entry({ cachedTokens: 16, pulledTokens: 44 })],
      );
    expect(pulled(44, 440)).toMatchObject({
      ok: true,
      pulled_tokens: { receipts: 44, ledger: 44 },
    });
    expect(pulled(40, 400).examples).toEqual(["r both: pulled 40 tokens, the ledger 44"]);
    const failed = work({ pull, told: { fetched: { failed: "gone" } } });
    expect(judge([failed], [entry({ pulledTokens: 0 })]).ok).toBe(true);
    expect(pulled(60, 0).ok, "nothing was moved").toBe(false);
  });

  it("lets a leg that found nothing cached leave that unsaid, and no other", () => {
    const cold = { cachedTokens: 0, computedTokens: 100 };
    const said: Work = { ...bare(), promptTokens: 100, outputTokens: 1 };
    expect(judge([said], [entry(cold)])).toMatchObject({ ok: true, untold: 1 });
    expect(judge([said], [entry({})])).toMatchObject({ ok: false, untold: 0 });
  });

  it("lets a prefill leg that is assumed be none, where decode did it all", () => {
    const prefill = work({ leg: "prefill", known: "assumed" });
    const decode: Work = {
      ...bare(),
      engine: "d/0",
      leg: "decode",
      promptTokens: 100,
      outputTokens: 9,
    };
    const alone = entry({ leg: "both", cachedTokens: 0, computedTokens: 100, outputTokens: 9 });
    const ledgers = (p: LedgerEntry[], d: LedgerEntry[]) =>
      new Map([
        ["p/0", p],
        ["d/0", d],
      ]);
    const works = [prefill, decode];
    expect(reconcile(works, ledgers([], [alone]))).toMatchObject({
      ok: true,
      engines: [{ disproved: 0 }, { disproved: 1 }],
    });
    const split = { ...alone, leg: "decode" } as const;
    expect(reconcile(works, ledgers([entry({ leg: "prefill" })], [split])).ok).toBe(true);
    expect(reconcile(works, ledgers([], [split])).ok).toBe(false);
    expect(
      reconcile([work({ leg: "prefill" }), decode], ledgers([], [alone])).ok,
      "not assumed",
    ).toBe(false);
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
