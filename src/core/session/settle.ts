import { matchBranches, type Match } from "./branches.ts";
import { encodeChain, linksOf, decodeChain } from "./chain.ts";
import { fitSnapshot } from "./fit.ts";
import { cutHoldings, mergeHoldings } from "./residency.ts";
import {
  maxBlobs,
  maxBranches,
  maxKeptChars,
  maxLinks,
  maxLost,
  maxPast,
  maxSettled,
  type Branch,
  type Opening,
  type SessionState,
  type Settlement,
} from "./state.ts";
import { addPace, addTurn } from "./stats.ts";
import { dropStored, storedFor } from "./stored.ts";

/**
 * The session after a turn. Settling a request again changes nothing, and turns may be told in any order: the same lines
 * of conversation come out. Only which of several forks keeps the number of what they left depends on who is told first.
 */
export function settleTurn(
  state: SessionState,
  turn: Settlement,
): { readonly state: SessionState; readonly answer: TurnSettled } {
  const earlier = state.settled.find((one) => one.requestId === turn.requestId);
  if (earlier) return { state, answer: { v: 1, turn: earlier.turn, branch: earlier.branch } };

  const { branches } = turn.spoiled === undefined ? state : dropStored(state, turn.spoiled);
  const sound = branches.map((branch) => withoutLost(branch, turn));
  const matches = matchBranches({ ...state, branches: sound }, asOpening(turn));
  const later = matches.find((match) => wentOnFrom(match, turn));
  const left = later ? [] : matches.filter((match) => goesOnFrom(turn, match));
  const own = later ?? left.find(({ branch }) => branch.n === turn.branch) ?? left[0];
  const number = own?.branch.n ?? freeNumber(state, turn);
  const paces = addPace(state.paces, turn);
  const stats = addTurn(state.stats, turn, paces);
  const leftNothing = turn.status !== "completed" && turn.holdings.length === 0;
  const next: SessionState = {
    version: 1,
    tenant: turn.tenant,
    model: turn.model,
    stats,
    paces,
    branches: leftNothing
      ? sound
      : newestBranches([
          ...sound.filter(({ n }) => n !== number && !left.some(({ branch }) => branch.n === n)),
          later ? withEarlier(later, turn, state) : grownBranch(number, left, turn, state),
        ]),
    nextBranch: leftNothing ? state.nextBranch : Math.max(state.nextBranch, number + 1),
    lost: lostAfter(state, turn),
    settled: [
      ...state.settled,
      { requestId: turn.requestId, turn: stats.turns, branch: number },
    ].slice(-maxSettled),
    ...blobsAfter(state, turn),
  };
  return { state: fitSnapshot(next), answer: { v: 1, turn: stats.turns, branch: number } };
}

export type TurnSettled = { readonly v: 1; readonly turn: number; readonly branch: number };

function asOpening(turn: Settlement): Opening {
  return { model: turn.model, chain: turn.chain, answers: turn.answers ?? [] };
}

/** Whether a later turn of that branch has been settled before this one. */
function wentOnFrom({ branch, within }: Match, turn: Settlement): boolean {
  const isPast = turn.answer !== undefined && branch.past.includes(turn.answer);
  return isPast || (within && branch.lastAt > turn.now);
}

/** Whether the turn is the next of that branch. Its answer in the request tells even where clocks do not agree. */
function goesOnFrom(turn: Settlement, match: Match): boolean {
  return match.answerAt >= 0 || (match.extends && match.branch.lastAt <= turn.now);
}

function freeNumber(state: SessionState, turn: Settlement): number {
  const isTaken = state.branches.some((branch) => branch.n === turn.branch);
  return isTaken ? state.nextBranch : turn.branch;
}

/** The branch with a turn that it has gone on from already. */
function withEarlier({ branch, common }: Match, turn: Settlement, state: SessionState): Branch {
  const holdings = cutHoldings(notLost(turn, state), common);
  return {
    ...branch,
    turns: branch.turns + 1,
    holdings: mergeHoldings(branch.holdings, holdings),
    past: pastAfter([branch], turn),
  };
}

/** The branch that a turn makes of those it goes on from. */
function grownBranch(
  n: number,
  left: readonly Match[],
  turn: Settlement,
  state: SessionState,
): Branch {
  const before = left.map(({ branch }) => branch);
  const chain = encodeChain(turn.chain);
  // What is stored serves as long as the conversation begins with it.
  const stored = storedFor(left);
  const held = left.flatMap((match) => cutHoldings(match.branch.holdings, match.common));
  return {
    n,
    model: turn.model,
    turns: before.reduce((sum, { turns }) => sum + turns, 1),
    chain,
    promptTokens: turn.promptTokens,
    answerKey: turn.answer ?? "",
    past: pastAfter(before, turn),
    holdings: mergeHoldings(held, notLost(turn, state)),
    ...keptAfter(turn, chain, state),
    ...(stored && { stored }),
    lastAt: Math.max(turn.now, ...before.map(({ lastAt }) => lastAt)),
  };
}

/** The answers that a branch went on from, in no order that means anything. */
function pastAfter(branches: readonly Branch[], { answers = [] }: Settlement): readonly string[] {
  const past = new Set([...branches.flatMap((branch) => branch.past), ...answers]);
  return [...past].slice(-maxPast);
}

/** A handle serves once: each turn leaves its own or none. One of a longer chain than is kept could not be matched. */
function keptAfter(
  { kept, now }: Settlement,
  chain: string,
  { lost }: SessionState,
): Pick<Branch, "kept"> {
  const isWhole = linksOf(decodeChain(chain)) < maxLinks;
  const isGone = kept !== undefined && (lost[kept.engine] ?? -Infinity) > now;
  return kept && isWhole && !isGone && kept.raw.length <= maxKeptChars ? { kept } : {};
}

/** What a turn left behind, but for engines that have lost it since. */
function notLost({ holdings }: Settlement, { lost }: SessionState) {
  return holdings.filter(({ engine, at }) => (lost[engine] ?? -Infinity) <= at);
}

/** Known before it is written, so that it is erased with the session whatever becomes of who writes it. */
function blobsAfter({ blobs = [], branches }: SessionState, { blob }: Settlement) {
  const all = blob === undefined ? blobs : [...blobs, blob];
  const isStored = (key: string) => branches.some(({ stored }) => stored?.key === key);
  const known = all.filter((key, n) => n >= all.length - maxBlobs || isStored(key));
  return known.length === 0 ? {} : { blobs: known };
}

function withoutLost(branch: Branch, turn: Settlement): Branch {
  if (turn.lost.length === 0) return branch;
  const holdings = branch.holdings.filter(
    (held) => !turn.lost.includes(held.engine) || held.at > turn.now,
  );
  const { kept, ...rest } = branch;
  const isGone = kept !== undefined && turn.lost.includes(kept.engine) && branch.lastAt <= turn.now;
  return { ...rest, holdings, ...(kept && !isGone && { kept }) };
}

/** When engines last lost what they held: what is told late of before that is not believed. */
function lostAfter({ lost }: SessionState, turn: Settlement): SessionState["lost"] {
  if (turn.lost.length === 0) return lost;
  const told = turn.lost.map((engine) => [engine, Math.max(lost[engine] ?? 0, turn.now)] as const);
  const all = Object.entries({ ...lost, ...Object.fromEntries(told) });
  return Object.fromEntries(all.toSorted((one, other) => other[1] - one[1]).slice(0, maxLost));
}

function newestBranches(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length <= maxBranches) return branches;
  return branches
    .toSorted((one, other) => other.lastAt - one.lastAt || other.n - one.n)
    .slice(0, maxBranches);
}
