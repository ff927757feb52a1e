import { describe, expect, it } from "vitest";
import { fitSnapshot, sizeOf } from "../../../src/core/session/fit.ts";
import { openTurn } from "../../../src/core/session/open.ts";
import { type Kept, maxKeptChars } from "../../../src/core/session/state.ts";
import { parseSnapshot } from "../../../src/durable/session-snapshot.ts";
import { chainOf, opening, settle, settlement } from "./session-fixtures.ts";

const KEPT: Kept = { engine: "h/0", raw: '{"remote_block_ids":[[1]]}', tokens: 250, until: 5000 };
const FIRST = settlement({ requestId: "1", chain: chainOf("ab"), answer: "a1", kept: KEPT });

function keptBy(state: ReturnType<typeof settle>, chain = "abc", answers = ["a1"], now = 4999) {
  return openTurn(state, { ...opening(chain, answers), now }).kept;
}

describe("a handle that a decode engine left", () => {
  it("is there for the turn that goes on from its very answer, until it lapses", () => {
    const state = settle(FIRST);
    expect(keptBy(state)).toEqual(KEPT);
    expect(keptBy(state, "abc", ["a1"], 5000)).toBeUndefined();
  });

  it.each([
    ["leaves the conversation", "axc", ["a1"]],
    ["gives another answer for it", "abc", ["a2"]],
    ["shortens it", "a", ["a1"]],
  ])("is not for a turn that %s", (_, chain, answers) => {
    expect(keptBy(settle(FIRST), chain, answers)).toBeUndefined();
  });

  it("serves once: a turn that leaves none takes it away", () => {
    const second = settlement({ requestId: "2", chain: chainOf("abc"), answer: "a2" });
    expect(keptBy(settle(FIRST, second), "abcd", ["a1", "a2"])).toBeUndefined();
  });

  it("is gone with its engine", () => {
    const fork = settlement({ requestId: "2", chain: chainOf("x"), branch: 1, lost: ["h/0"] });
    expect(keptBy(settle(FIRST, fork))).toBeUndefined();
  });

  it("is remembered in the snapshot, and goes first when that gets too large", () => {
    const state = settle(FIRST);
    expect(parseSnapshot(JSON.parse(JSON.stringify(state)))).toEqual(state);
    const smaller = fitSnapshot(state, sizeOf(state) - 1);
    expect(smaller.branches[0]?.kept).toBeUndefined();
    expect(smaller.branches[0]?.chain).toBe(state.branches[0]?.chain);
  });

  it("is not remembered when it is longer than a snapshot has room for", () => {
    const kept = { ...KEPT, raw: "1".repeat(maxKeptChars + 1) };
    expect(keptBy(settle({ ...FIRST, kept }))).toBeUndefined();
  });
});
