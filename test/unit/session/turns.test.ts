import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openTurn } from "../../../src/core/session/open.ts";
import { settleTurn } from "../../../src/core/session/settle.ts";
import {
  emptySession,
  maxBranches,
  type SessionState,
  type Settlement,
} from "../../../src/core/session/state.ts";
import { chainOf, held, opening, settle, settlement } from "./session-fixtures.ts";

describe("opening a turn", () => {
  it("continues the branch whose chain it extends", () => {
    const state = settle(settlement({ chain: chainOf("ab"), holdings: [held("h/0", 2)] }));
    expect(openTurn(state, opening("abc"))).toMatchObject({
      branch: 0,
      turns: 1,
      holdings: [{ engine: "h/0", links: 2, tokens: 200 }],
    });
  });

  it("continues a branch whose last answer it contains, though its history was rewritten", () => {
    const state = settle(
      settlement({ chain: chainOf("abcd"), answer: "a1", holdings: [held("h/0", 4)] }),
    );
    expect(openTurn(state, opening("axy", ["a0", "a1"]))).toMatchObject({
      branch: 0,
      holdings: [{ engine: "h/0", links: 1, tokens: 100 }],
    });
  });

  it("forks when it leaves the conversation, and keeps what the common beginning left behind", () => {
    const state = settle(settlement({ chain: chainOf("abcd"), holdings: [held("h/0", 4)] }));
    expect(openTurn(state, opening("abx"))).toMatchObject({
      branch: 1,
      turns: 0,
      holdings: [{ engine: "h/0", links: 2, tokens: 200 }],
    });
    expect(openTurn(state, opening("ab"))).toMatchObject({ branch: 1 });
  });

  it("prefers the branch with the longest common beginning", () => {
    const state = settle(
      settlement({ requestId: "1", chain: chainOf("abcd") }),
      settlement({ requestId: "2", chain: chainOf("axy"), branch: 1 }),
      settlement({ requestId: "3", chain: chainOf("ab"), branch: 2, now: 2 }),
    );
    expect(openTurn(state, opening("abce"))).toMatchObject({ branch: 2 });
    expect(openTurn(state, opening("abcde"))).toMatchObject({ branch: 0 });
    expect(openTurn(state, opening("axyz"))).toMatchObject({ branch: 1 });
  });

  it("finds nothing of another model's", () => {
    const state = settle(settlement({ chain: chainOf("ab"), holdings: [held("h/0", 2)] }));
    const asked = { ...opening("abc"), model: "other" };
    expect(openTurn(state, asked)).toMatchObject({ branch: 1, holdings: [] });
  });
});

describe("settling a turn", () => {
  it("changes nothing the second time", () => {
    const once = settle(settlement());
    const twice = settleTurn(once, settlement());
    expect(twice.state).toBe(once);
    expect(twice.answer).toEqual({ v: 1, turn: 1, branch: 0 });
  });

  it("does not shorten a branch when an earlier turn is settled late", () => {
    const early = settlement({ requestId: "1", chain: chainOf("ab"), answer: "a1", now: 1 });
    const late = settlement({ requestId: "2", chain: chainOf("abcd"), answer: "a2", now: 2 });
    const inOrder = settle(early, late);
    const swapped = settle(late, early);
    expect(swapped.branches).toEqual(inOrder.branches);
    expect(openTurn(swapped, opening("abx", ["a2"]))).toMatchObject({ branch: 0 });
  });

  it("gives two turns that were opened as one branch a branch each once they part", () => {
    const state = settle(
      settlement({ requestId: "1", chain: chainOf("a"), answer: "a1" }),
      settlement({ requestId: "2", chain: chainOf("ax"), answers: ["a1"], answer: "x" }),
      settlement({ requestId: "3", chain: chainOf("ay"), answers: ["a1"], answer: "y" }),
    );
    expect(state.branches.map(({ n }) => n).toSorted()).toEqual([0, 1]);
    expect(openTurn(state, opening("ayz"))).toMatchObject({ branch: 1, turns: 1 });
  });

  it("keeps a branch's number when its history was rewritten", () => {
    const state = settle(
      settlement({ requestId: "1", chain: chainOf("abc"), answer: "a1" }),
      settlement({ requestId: "2", chain: chainOf("axy"), answers: ["a1"], answer: "a2" }),
    );
    expect(state.branches).toMatchObject([{ n: 0, turns: 2, answerKey: "a2" }]);
  });

  it("forgets engines that lost their cache, but not one that has filled it again", () => {
    const first = settlement({ requestId: "1", holdings: [held("h/0", 2), held("h/1", 2)] });
    const second = settlement({
      requestId: "2",
      lost: ["h/0", "h/1"],
      holdings: [held("h/1", 1)],
    });
    expect(openTurn(settle(first, second), opening("ab")).holdings).toEqual([held("h/1", 1)]);
  });

  it("leaves no branch behind for a turn that left no cache behind", () => {
    const state = settle(settlement({ status: "failed" }));
    expect(state).toMatchObject({ branches: [], stats: { turns: 1 } });
  });

  it("drops the least recently used of more branches than it keeps", () => {
    const turns = Array.from({ length: maxBranches + 3 }, (_, i) =>
      settlement({ requestId: `${i}`, branch: i, chain: chainOf(letter(i)), now: i }),
    );
    const state = settle(...turns);
    expect(state.branches.map(({ n }) => n).toSorted((a, b) => b - a)).toEqual([
      10, 9, 8, 7, 6, 5, 4, 3,
    ]);
    expect(openTurn(state, opening(letter(0)))).toMatchObject({ branch: maxBranches + 3 });
  });

  it("sums the same in any order", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sixTurns, { minLength: 6 }), (shuffled) => {
        expect(sums(settle(...shuffled))).toEqual(sums(settle(...sixTurns)));
      }),
    );
  });

  it("reaches the same branch in any order of the turns of one line", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sixTurns, { minLength: 6 }), (shuffled) => {
        expect(settle(...shuffled).branches).toEqual(settle(...sixTurns).branches);
      }),
    );
  });
});

const sixTurns: Settlement[] = Array.from({ length: 6 }, (_, i) =>
  settlement({
    requestId: `${i}`,
    chain: chainOf("abcdefgh".slice(0, i + 2)),
    answer: `a${i}`,
    promptTokens: 100 * i,
    outputTokens: i,
    usd: i,
    now: i + 1,
    holdings: [held(`h/${i % 2}`, i + 2, { at: i + 1 })],
  }),
);

function letter(i: number): string {
  return String.fromCharCode(97 + i);
}

function sums({ stats }: SessionState) {
  const { turns, promptTokens, cachedTokens, outputTokens, usd, firstAt, lastAt } = stats;
  return { turns, promptTokens, cachedTokens, outputTokens, usd, firstAt, lastAt };
}

describe("an unused session", () => {
  it("opens on its trunk", () => {
    expect(openTurn(emptySession, opening("ab"))).toMatchObject({ branch: 0, holdings: [] });
  });
});
