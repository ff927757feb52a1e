import { describe, expect, it } from "vitest";
import { forkSession } from "../../../src/core/session/fork.ts";
import { openTurn } from "../../../src/core/session/open.ts";
import { settleTurn } from "../../../src/core/session/settle.ts";
import { chainOf, held, opening, settle, settlement } from "./session-fixtures.ts";

const kept = { engine: "h/0", raw: "{}", tokens: 10, until: 1e9 };
const trunk = settlement({ answer: "a1", holdings: [held("h/0", 2)], kept });
const other = settlement({ requestId: "2", chain: chainOf("xy"), branch: 1, now: 2 });
const session = settle(trunk, other);

describe("a fork of a session", () => {
  it("knows who holds what, under the same numbers, and has no turns of its own", () => {
    const fork = forkSession(session, 9);
    expect(fork?.stats).toMatchObject({ turns: 0, usd: 0, promptTokens: 0, outputPerTurn: 20 });
    const next = { ...opening("abc", ["a1"]), now: 3 };
    const { holdings, branch } = openTurn(session, next);
    expect(openTurn(fork ?? session, next)).toMatchObject({ holdings, branch, turns: 0 });
  });

  it("leaves a handle that serves once to the original", () => {
    const next = { ...opening("abc", ["a1"]), now: 3 };
    expect(openTurn(session, next).kept).toEqual(kept);
    expect(openTurn(forkSession(session, 9) ?? session, next).kept).toBeUndefined();
  });

  it("is of one branch where that is named, and of none that is not there", () => {
    expect(forkSession(session, 9, 1)?.branches).toMatchObject([{ n: 1 }]);
    expect(forkSession(session, 9, 5)).toBeUndefined();
  });

  it("counts its own turns from one", () => {
    const fork = forkSession(session, 9) ?? session;
    const { answer } = settleTurn(fork, settlement({ requestId: "3", chain: chainOf("abc") }));
    expect(answer).toEqual({ v: 1, turn: 1, branch: 0 });
  });
});
