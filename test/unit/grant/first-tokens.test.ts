import { describe, expect, it } from "vitest";
import {
  type FirstToken,
  type FirstTokens,
  noFirstTokens,
  observeFirstToken,
} from "../../../src/core/grant/first-tokens.ts";

const LATER = 10_000;

describe("first tokens of one engine", () => {
  it("tell what each prompt took, however long it waited for those before it", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 100, readyAt: 0, place: 0 });
    see(tokens, { at: 300, readyAt: 10, place: 1 });
    see(tokens, { at: 450, readyAt: 20, place: 2 });
    expect(settled(tokens)).toEqual([
      { ms: 100, modelledMs: 100 },
      { ms: 200, modelledMs: 100 },
      { ms: 150, modelledMs: 100 },
    ]);
  });

  it("do not count the time an engine had nothing to do", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 100, readyAt: 0, place: 0 });
    see(tokens, { at: 2100, readyAt: 2000, place: 1 });
    expect(settled(tokens).at(-1)).toEqual({ ms: 100, modelledMs: 100 });
  });

  it("that come together are of one iteration", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 300, readyAt: 20, place: 0 });
    see(tokens, { at: 302, readyAt: 0, place: 1 });
    see(tokens, { at: 301, readyAt: 10, place: 2 });
    expect(settled(tokens)).toEqual([{ ms: 302, modelledMs: 300 }]);
  });

  it("are put in order where their reports come late", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 300, readyAt: 10, place: 1 });
    see(tokens, { at: 100, readyAt: 0, place: 0 });
    expect(settled(tokens)).toEqual([
      { ms: 100, modelledMs: 100 },
      { ms: 200, modelledMs: 100 },
    ]);
  });

  it("say nothing behind a prompt that told nothing", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 100, readyAt: 0, place: 0 });
    see(tokens, { at: 500, readyAt: 20, place: 2 });
    see(tokens, { at: 600, readyAt: 30, place: 3 });
    expect(settled(tokens)).toEqual([
      { ms: 100, modelledMs: 100 },
      { ms: 100, modelledMs: 100 },
    ]);
  });

  it("say nothing of an iteration with a prompt that teaches nothing", () => {
    const tokens = noFirstTokens();
    see(tokens, { at: 100, readyAt: 0, place: 0 });
    see(tokens, { at: 101, readyAt: 0, place: 1, teaches: false });
    see(tokens, { at: 200, readyAt: 0, place: 2 });
    expect(settled(tokens)).toEqual([{ ms: 99, modelledMs: 100 }]);
  });
});

type Told = { readonly at: number; readonly readyAt: number; readonly place: number };

function firstToken({ place, ...told }: Told & { readonly teaches?: boolean }): FirstToken {
  return { teaches: true, modelledMs: 100, first: place, last: place, known: 1, ...told };
}

const observed = new WeakMap<FirstTokens, ReturnType<typeof observeFirstToken>>();

function see(tokens: FirstTokens, told: Parameters<typeof firstToken>[0]): void {
  const before = observed.get(tokens) ?? [];
  observed.set(tokens, [...before, ...observeFirstToken(tokens, firstToken(told))]);
}

/** All that is told once nothing of before can come any more. */
function settled(tokens: FirstTokens) {
  see(tokens, { at: LATER, readyAt: LATER, place: 1000 });
  see(tokens, { at: 2 * LATER, readyAt: LATER, place: 1001 });
  return observed.get(tokens) ?? [];
}
