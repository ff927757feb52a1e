import { continues, matchBranches, residency, type Match } from "./branches.ts";
import { commonLinks, decodeChain, encodeChain, linksOf } from "./chain.ts";
import { fitSnapshot } from "./fit.ts";
import { cutHoldings, mergeHoldings } from "./residency.ts";
import {
  maxBlobs,
  maxBranches,
  maxKeptChars,
  maxLinks,
  maxSettled,
  type Branch,
  type Opening,
  type SessionState,
  type Settlement,
} from "./state.ts";
import { addTurn } from "./stats.ts";
import { cutStored, dropStored } from "./stored.ts";

/** The session after a turn. Settling a request again changes nothing; the order of turns hardly matters. */
export function settleTurn(
  state: SessionState,
  turn: Settlement,
): { readonly state: SessionState; readonly answer: TurnSettled } {
  const earlier = state.settled.find((one) => one.requestId === turn.requestId);
  if (earlier) return { state, answer: { v: 1, turn: earlier.turn, branch: earlier.branch } };

  const sound = turn.spoiled === undefined ? state : dropStored(state, turn.spoiled);
  const kept = sound.branches.map((branch) => withoutLost(branch, turn));
  const matches = matchBranches({ ...state, branches: kept }, asOpening(turn));
  const own = ownBranch(state, turn, matches);
  const number = own?.branch.n ?? freeNumber(state, turn);
  const stats = addTurn(state.stats, turn, own?.branch);
  const leftNothing = turn.status !== "completed" && turn.holdings.length === 0;
  const branches = leftNothing
    ? kept
    : [...kept.filter((branch) => branch.n !== number), grownBranch(number, own, matches, turn)];
  const next: SessionState = {
    version: 1,
    tenant: turn.tenant,
    model: turn.model,
    stats,
    branches: newestBranches(branches),
    nextBranch: leftNothing ? state.nextBranch : Math.max(state.nextBranch, number + 1),
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

/** The branch it was opened on, unless another turn has meanwhile taken that branch elsewhere. */
function ownBranch(
  state: SessionState,
  turn: Settlement,
  matches: readonly Match[],
): Match | undefined {
  const opened = matches.find((match) => match.branch.n === turn.branch);
  if (opened && (continues(opened) || opened.within)) return opened;
  if (!state.branches.some((branch) => branch.n === turn.branch)) return undefined;
  return matches.find(continues);
}

function freeNumber(state: SessionState, turn: Settlement): number {
  const isTaken = state.branches.some((branch) => branch.n === turn.branch);
  return isTaken ? state.nextBranch : turn.branch;
}

function grownBranch(
  n: number,
  own: Match | undefined,
  matches: readonly Match[],
  turn: Settlement,
): Branch {
  const before = own?.branch;
  const isLate = own !== undefined && own.within && !own.extends && own.answerAt < 0;
  const chain = before && isLate ? before.chain : encodeChain(turn.chain);
  const held = before && isLate ? before.holdings : residency(own, matches);
  const reach = isLate ? commonLinks(decodeChain(chain), turn.chain) : Infinity;
  const isNewest = !before || (!isLate && (turn.now >= before.lastAt || !own?.within));
  return {
    n,
    model: turn.model,
    turns: (before?.turns ?? 0) + 1,
    chain,
    promptTokens: before && isLate ? before.promptTokens : turn.promptTokens,
    answerKey: isNewest ? (turn.answer ?? "") : (before?.answerKey ?? ""),
    holdings: mergeHoldings(held, cutHoldings(turn.holdings, reach)),
    ...keptAfter(turn, chain, isNewest),
    ...storedAfter(own, isLate),
    lastAt: Math.max(before?.lastAt ?? 0, turn.now),
  };
}

/** What is stored serves as long as the conversation begins with it. */
function storedAfter(own: Match | undefined, isLate: boolean): Pick<Branch, "stored"> {
  const before = own?.branch.stored;
  const stored = isLate ? before : cutStored(before, own?.common ?? 0);
  return stored === undefined ? {} : { stored };
}

/** A handle serves once: each turn leaves its own or none. One of a longer chain than is kept could not be matched. */
function keptAfter({ kept }: Settlement, chain: string, isNewest: boolean): Pick<Branch, "kept"> {
  const isWhole = linksOf(decodeChain(chain)) < maxLinks;
  return kept && isNewest && isWhole && kept.raw.length <= maxKeptChars ? { kept } : {};
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
  const isGone = kept !== undefined && turn.lost.includes(kept.engine);
  return { ...rest, holdings, ...(kept && !isGone && { kept }) };
}

function newestBranches(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length <= maxBranches) return branches;
  return branches
    .toSorted((one, other) => other.lastAt - one.lastAt || other.n - one.n)
    .slice(0, maxBranches);
}
