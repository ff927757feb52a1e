import { commonLinks, decodeChain, linksOf } from "./chain.ts";
import { cutHoldings, longestHoldings } from "./residency.ts";
import type { Branch, Holding, Opening, SessionState } from "./state.ts";

/** How a request relates to one branch. */
export type Match = {
  readonly branch: Branch;
  /** Links in common. */
  readonly common: number;
  /** The request's chain begins with the whole of the branch's. */
  readonly extends: boolean;
  /** The branch's chain begins with the whole of the request's. */
  readonly within: boolean;
  /** Place of the branch's last answer among the request's answers; -1 when it is not there. */
  readonly answerAt: number;
};

/** Every branch of the request's model beside the request, the longest common prefix first. */
export function matchBranches(state: SessionState, opening: Opening): Match[] {
  return state.branches
    .filter((branch) => branch.model === opening.model)
    .map((branch) => match(branch, opening))
    .toSorted(
      (one, other) =>
        other.common - one.common ||
        other.answerAt - one.answerAt ||
        other.branch.lastAt - one.branch.lastAt ||
        one.branch.n - other.branch.n,
    );
}

/** Whether the request is a later turn of that branch rather than a fork of it. */
export function continues(match: Match): boolean {
  return match.extends || match.answerAt >= 0;
}

/** Who holds a prefix of the request, whichever branch tells of it. */
export function residency(matches: readonly Match[]): readonly Holding[] {
  return longestHoldings(
    matches.flatMap(({ branch, common }) => cutHoldings(branch.holdings, common)),
  );
}

function match(branch: Branch, opening: Opening): Match {
  const chain = decodeChain(branch.chain);
  const common = commonLinks(chain, opening.chain);
  const links = linksOf(chain);
  const asked = linksOf(opening.chain);
  return {
    branch,
    common,
    extends: common === links && (links > 0 || asked === 0),
    within: common === asked && (asked > 0 || links === 0),
    answerAt: branch.answerKey === "" ? -1 : opening.answers.lastIndexOf(branch.answerKey),
  };
}
