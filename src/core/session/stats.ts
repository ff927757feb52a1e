import type { Branch, Settlement, SessionStats } from "./state.ts";

const weightOfNewest = 0.3;

/** The statistics with one more turn in them; `before` is the branch it continued, if it did. */
export function addTurn(
  stats: SessionStats,
  turn: Settlement,
  before: Branch | undefined,
): SessionStats {
  const summed: SessionStats = {
    ...stats,
    turns: stats.turns + 1,
    promptTokens: stats.promptTokens + turn.promptTokens,
    cachedTokens: stats.cachedTokens + (turn.cachedTokens ?? 0),
    outputTokens: stats.outputTokens + turn.outputTokens,
    usd: stats.usd + turn.usd,
    firstAt: stats.turns === 0 ? turn.now : Math.min(stats.firstAt, turn.now),
    lastAt: Math.max(stats.lastAt, turn.now),
  };
  // A turn that was cut short or comes late says nothing about the pace of the conversation.
  const isLate = before !== undefined && turn.now < before.lastAt;
  if (turn.status !== "completed" || isLate) return summed;
  return { ...summed, ...averages(stats, turn, before) };
}

function averages(
  stats: SessionStats,
  turn: Settlement,
  before: Branch | undefined,
): Pick<SessionStats, "outputPerTurn" | "newPromptPerTurn" | "gapMs" | "charsPerToken"> {
  const charsPerToken = turn.promptTokens > 0 ? turn.chars / turn.promptTokens : 0;
  const grown = before ? turn.promptTokens - before.promptTokens : 0;
  return {
    outputPerTurn: average(stats.outputPerTurn, turn.outputTokens),
    newPromptPerTurn: average(stats.newPromptPerTurn, grown),
    gapMs: average(stats.gapMs, before ? turn.now - before.lastAt : 0),
    charsPerToken: average(stats.charsPerToken, charsPerToken),
  };
}

/** Nothing measured (0 or less) leaves the average as it was; the first measurement is the average. */
function average(sofar: number, newest: number): number {
  if (newest <= 0) return sofar;
  return sofar === 0 ? newest : sofar + weightOfNewest * (newest - sofar);
}
