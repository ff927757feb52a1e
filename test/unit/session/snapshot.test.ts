import { describe, expect, it } from "vitest";
import { decodeChain, encodeChain } from "../../../src/core/session/chain.ts";
import { fitSnapshot, maxSnapshotBytes, sizeOf } from "../../../src/core/session/fit.ts";
import { openTurn } from "../../../src/core/session/open.ts";
import { maxLinks, type SessionState } from "../../../src/core/session/state.ts";
import { held, settle, settlement } from "./session-fixtures.ts";

describe("the snapshot of a session", () => {
  it("stays within its size however long and many its branches are", () => {
    const state = settle(
      ...Array.from({ length: 40 }, (_, i) =>
        settlement({
          requestId: `request-${i}`,
          branch: i,
          chain: longChain(i, 3000),
          now: i,
          holdings: Array.from({ length: 8 }, (_, j) => held(`pool/${i}-${j}`, 3000)),
        }),
      ),
    );
    expect(sizeOf(state)).toBeLessThanOrEqual(maxSnapshotBytes);
    expect(state.branches.at(-1)).toMatchObject({ n: 39 });
    expect(state.settled).toHaveLength(32);
  });

  it("matches a conversation longer than it keeps by its first links", () => {
    const chain = longChain(1, maxLinks + 500);
    const state = settle(settlement({ chain, holdings: [held("h/0", maxLinks + 500)] }));
    const answer = openTurn(state, { model: "tiny", chain, answers: [] });
    expect(answer).toMatchObject({ branch: 0, holdings: [{ links: maxLinks }] });
  });

  it("gives up branches before holdings, and holdings before chains", () => {
    const state = settle(
      settlement({ requestId: "1", chain: longChain(1, 50), now: 1 }),
      settlement({
        requestId: "2",
        branch: 1,
        chain: longChain(2, 50),
        holdings: [held("h/0", 50), held("h/1", 49)],
        now: 2,
      }),
    );
    const oneBranch = fitSnapshot(state, sizeOf(state) - 1);
    expect(oneBranch.branches).toMatchObject([{ n: 1, holdings: [{}, {}] }]);
    const oneHolding = fitSnapshot(oneBranch, sizeOf(oneBranch) - 1);
    expect(oneHolding.branches).toMatchObject([{ n: 1, holdings: [{ engine: "h/0" }] }]);
    expect(links(fitSnapshot(oneHolding, sizeOf(oneHolding) - 1))).toBe(25);
  });

  it("is as small as can be when nothing fits", () => {
    expect(fitSnapshot(settle(settlement()), 10)).toMatchObject({ branches: [], settled: [] });
  });
});

describe("a stored chain", () => {
  it("comes back as it was", () => {
    expect(decodeChain(encodeChain(longChain(7, 100)))).toEqual(longChain(7, 100));
  });

  it("is empty when it is unreadable", () => {
    expect(decodeChain("***")).toEqual(new Uint8Array(0));
  });
});

function longChain(seed: number, links: number): Uint8Array {
  return Uint8Array.from({ length: links * 8 }, (_, i) => (seed * 31 + i * 7 + (i >> 3)) & 255);
}

function links(state: SessionState): number {
  return decodeChain(state.branches[0]?.chain ?? "").length / 8;
}
