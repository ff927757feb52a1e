import { describe, expect, it } from "vitest";
import { nextHistory } from "../../../src/traces/history.ts";
import { planPieces } from "../../../src/traces/pieces.ts";

const BEFORE = [
  { text: "task", answer: 0 },
  { text: "ls", answer: 1 },
  { text: "cat\n\nlong", answer: 2 },
  { text: "ok" },
];

describe("the history of the next turn", () => {
  it("grows by one user message after the last answer", () => {
    expect(nextHistory(BEFORE, 3, "task\n\nls\n\ncat\n\nlong\n\nok\n\nnew")).toEqual([
      ...BEFORE.slice(0, 3),
      { text: "ok", answer: 3 },
      { text: "new" },
    ]);
  });

  it("keeps messages and answers around a changed message", () => {
    expect(nextHistory(BEFORE, 3, "task\n\nls\n\n[elided]\n\nok\n\nnew")).toEqual([
      { text: "task", answer: 0 },
      { text: "ls", answer: 1 },
      { text: "[elided]", answer: 2 },
      { text: "ok", answer: 3 },
      { text: "new" },
    ]);
  });

  it("drops the answers of messages that are gone", () => {
    expect(nextHistory(BEFORE, 3, "task\n\nok\n\nnew")).toEqual([
      { text: "task", answer: 0 },
      { text: "ok", answer: 3 },
      { text: "new" },
    ]);
  });

  it("leaves the last message unanswered when the history was cut back", () => {
    expect(nextHistory(BEFORE, 3, "task\n\nls")).toEqual([
      { text: "task", answer: 0 },
      { text: "ls" },
    ]);
    expect(nextHistory(BEFORE, 3, "task\n\nls\n\ncat")).toEqual([
      ...BEFORE.slice(0, 2),
      { text: "cat" },
    ]);
  });

  it("does not take part of a message for the whole", () => {
    expect(nextHistory(BEFORE, 3, "tasks\n\nls")).toEqual([
      { text: "tasks", answer: 0 },
      { text: "ls" },
    ]);
  });
});

describe("the messages of a hashed session", () => {
  it("replace what was rewritten by one user message and keep what came before", () => {
    const plans = planPieces(
      [request([1, 2]), request([1, 2, 3, 4]), request([1, 2, 9, 10, 11])],
      64,
      64,
    );
    expect(plans[2]).toEqual([
      { role: "system", turn: 0, from: 0, to: 64 },
      { role: "user", turn: 0, from: 64, to: 128, answer: 0 },
      { role: "user", turn: 2, from: 138, to: 320 },
    ]);
  });

  it("continue the earlier request that shares most, not always the last", () => {
    const plans = planPieces([request([1, 2]), request([7, 8]), request([1, 2, 3])], 64, 0);
    expect(plans[2]?.map((p) => [p.turn, p.answer])).toEqual([
      [0, 0],
      [2, undefined],
    ]);
  });
});

function request(ids: number[]) {
  return { ids, inTokens: ids.length * 64, outTokens: 10 };
}
