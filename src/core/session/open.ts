import { continues, matchBranches, residency } from "./branches.ts";
import type { Holding, Opening, SessionState, SessionStats } from "./state.ts";

/** Which branch a turn continues, or the number of the fork it starts, and who holds a prefix of it. */
export function openTurn(state: SessionState, opening: Opening): Opened {
  const matches = matchBranches(state, opening);
  const own = matches.find(continues);
  return {
    v: 1,
    branch: own ? own.branch.n : state.nextBranch,
    turns: own ? own.branch.turns : 0,
    holdings: residency(own, matches),
    stats: state.stats,
  };
}

export type Opened = {
  readonly v: 1;
  readonly branch: number;
  readonly turns: number;
  readonly holdings: readonly Holding[];
  readonly stats: SessionStats;
};
