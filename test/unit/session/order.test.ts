import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openTurn } from "../../../src/core/session/open.ts";
import { settleTurn } from "../../../src/core/session/settle.ts";
import {
  emptySession,
  type Branch,
  type SessionState,
  type Settlement,
} from "../../../src/core/session/state.ts";
import { chainOf, held, opening, settlement } from "./session-fixtures.ts";

/**
 * Agents of one session: each goes on from a turn of an earlier one (the first from nothing) and takes some turns. Their
 * turns end in turn, and are then told in any order.
 */
type Plan = {
  readonly from: number;
  readonly turns: number;
  readonly loses: readonly string[];
  readonly first: keyof typeof FIRSTS;
};

const agents: fc.Arbitrary<Plan[]> = fc.array(
  fc.record({
    from: fc.nat(20),
    turns: fc.integer({ min: 1, max: 4 }),
    loses: fc.constantFrom([], [], ["h/0"], ["h/1", "h/2"]),
    /** What becomes of its first turn, which is then sent again with the same words. */
    first: fc.constantFrom("answered", "sent twice", "cut short", "failed"),
  }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

type Line = { readonly chain: string; readonly answers: readonly string[] };

describe("turns of one session that are told late, twice or out of order", () => {
  it("leave the same behind as in order of time", () => {
    fc.assert(
      fc.property(
        agents.map(turnsOf).chain((turns) => fc.tuple(fc.constant(turns), orderOf(turns.length))),
        ([turns, order]) => {
          const inTime = told(
            turns,
            turns.map((_, n) => n),
          );
          const shuffled = told(turns, order);
          expect(remembered(shuffled)).toEqual(remembered(inTime));
          for (const { line } of turns) {
            expect(whatNextTurnLearns(shuffled, line)).toEqual(whatNextTurnLearns(inTime, line));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** Every turn once or twice, in any order. */
function orderOf(turns: number): fc.Arbitrary<number[]> {
  const each = Array.from({ length: turns }, (_, n) => n);
  return fc
    .subarray(each)
    .chain((again) =>
      fc.shuffledSubarray([...each, ...again], { minLength: turns + again.length }),
    );
}

type Told = { readonly line: Line; readonly settlement: Settlement };

function turnsOf(plans: readonly Plan[]): Told[] {
  const told: Told[] = [];
  for (const { from, turns, loses, first } of plans) {
    const start = told.length === 0 ? undefined : told[from % told.length];
    let line: Line = start?.line ?? { chain: "s", answers: [] };
    const take = (change: Partial<Settlement> = {}): void => {
      const at = told.length + 1;
      const answer = `answer ${at}`;
      const turn = turnOf(line, at, { answer, ...change });
      told.push({ line: { ...line, answers: [...line.answers, answer] }, settlement: turn });
    };
    for (let n = 0; n < turns; n += 1) {
      line = { ...line, chain: line.chain + letter(told.length) };
      const change = n === 0 ? { lost: loses, ...FIRSTS[first] } : {};
      take(change);
      if (n === 0 && first !== "answered") take();
      line = told.at(-1)?.line ?? line;
    }
  }
  return told;
}

const FIRSTS = {
  answered: {},
  "sent twice": {},
  "cut short": { status: "cancelled", answer: "" },
  failed: { status: "failed", answer: "", holdings: [] },
} as const;

function turnOf({ chain, answers }: Line, at: number, change: Partial<Settlement>): Settlement {
  const engine = `h/${at % 3}`;
  return settlement({
    requestId: `${at}`,
    chain: chainOf(chain),
    answers,
    promptTokens: 100 * chain.length,
    outputTokens: at,
    usd: at,
    now: 1000 * at,
    holdings: [held(engine, chain.length, { at: 1000 * at })],
    kept: { engine, raw: `{"turn":${at}}`, tokens: at, until: 1e9 },
    ...change,
  });
}

/** Each turn was opened on what was known when it is told, or on nothing. */
function told(turns: readonly Told[], order: readonly number[]): SessionState {
  let state = emptySession;
  for (const n of order) {
    const { settlement: turn } = turns[n] as Told;
    const isKnown = n % 2 === 0;
    const { branch } = openTurn(isKnown ? state : emptySession, {
      ...turn,
      answers: turn.answers ?? [],
    });
    state = settleTurn(state, { ...turn, branch }).state;
  }
  return state;
}

/**
 * Everything but which branch has which number, as whoever is told first keeps the trunk's, and what that holds with it:
 * who looks is told of what all branches hold.
 */
function remembered(state: SessionState) {
  const { stats, paces, tenant, lost } = state;
  const branches = state.branches
    .map(({ n: _n, turns: _turns, holdings: _held, past, ...rest }: Branch) => ({
      ...rest,
      past: past.toSorted(),
    }))
    .toSorted((one, other) => (one.chain < other.chain ? -1 : 1));
  const turns = state.branches.reduce((sum, branch) => sum + branch.turns, 0);
  return { stats, paces, tenant, lost, branches, turns };
}

function whatNextTurnLearns(state: SessionState, { chain, answers }: Line) {
  const { holdings, kept, stats } = openTurn(state, { ...opening(`${chain}~`, answers), now: 0 });
  return { holdings, kept, stats };
}

function letter(n: number): string {
  return String.fromCharCode(97 + n);
}
