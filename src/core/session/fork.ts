import { type Branch, emptySession, type SessionState } from "./state.ts";

/**
 * A session that begins where another is, with what engines hold of it and with no turns of its own; of one branch alone
 * where that is given. Undefined where there is no such branch.
 */
export function forkSession(
  state: SessionState,
  now: number,
  branch?: number,
): SessionState | undefined {
  const forked = state.branches.filter(({ n }) => branch === undefined || n === branch);
  if (branch !== undefined && forked.length === 0) return undefined;
  const { outputPerTurn, newPromptPerTurn, gapMs, charsPerToken } = state.stats;
  const learned = { outputPerTurn, newPromptPerTurn, gapMs, charsPerToken };
  return {
    ...emptySession,
    tenant: state.tenant,
    model: state.model,
    stats: { ...emptySession.stats, ...learned, lastAt: now },
    paces: state.paces,
    branches: forked.map(unused),
    nextBranch: state.nextBranch,
    lost: state.lost,
  };
}

/** A handle to what a decode engine kept serves once, and stays with the original. */
function unused(branch: Branch): Branch {
  const { n, model, chain, promptTokens, answerKey, past, holdings, lastAt } = branch;
  return { n, model, turns: 0, chain, promptTokens, answerKey, past, holdings, lastAt };
}
