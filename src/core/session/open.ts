import { continues, type Match, matchBranches, residency } from "./branches.ts";
import type { Holding, Kept, Opening, SessionState, SessionStats, StoredKv } from "./state.ts";
import { storedFor } from "./stored.ts";

/** Which branch a turn continues, or the number of the fork it starts, and who holds a prefix of it. */
export function openTurn(state: SessionState, opening: Opening): Opened {
  const matches = matchBranches(state, opening);
  const own = matches.find(continues);
  const kept = own && keptFor(own, opening.now ?? Infinity);
  const stored = storedFor(matches);
  return {
    v: 1,
    branch: own ? own.branch.n : state.nextBranch,
    turns: own ? own.branch.turns : 0,
    holdings: residency(matches),
    stats: state.stats,
    ...(kept && { kept }),
    ...(stored && { stored }),
  };
}

/** Positions in a cache mean nothing unless the request goes on with the very prompt and answer that it was made of. */
function keptFor({ branch, extends: goesOn, answerAt }: Match, now: number): Kept | undefined {
  const { kept } = branch;
  return kept && goesOn && answerAt >= 0 && now < kept.until ? kept : undefined;
}

export type Opened = {
  readonly v: 1;
  readonly branch: number;
  readonly turns: number;
  readonly holdings: readonly Holding[];
  readonly stats: SessionStats;
  readonly kept?: Kept;
  readonly stored?: StoredKv;
};
