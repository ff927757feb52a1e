import type { Pace, SessionStats, Settlement } from "./state.ts";

const weightOfNewest = 0.3;
/** Older turns weigh next to nothing in an average. */
const maxPaces = 8;

/** The statistics with one more turn in them; `paces` as `addPace` leaves them. */
export function addTurn(
  stats: SessionStats,
  turn: Settlement,
  paces: readonly Pace[],
): SessionStats {
  return {
    turns: stats.turns + 1,
    promptTokens: stats.promptTokens + turn.promptTokens,
    cachedTokens: stats.cachedTokens + (turn.cachedTokens ?? 0),
    outputTokens: stats.outputTokens + turn.outputTokens,
    usd: stats.usd + turn.usd,
    savedUsd: stats.savedUsd + (turn.savedUsd ?? 0),
    firstAt: stats.turns === 0 ? turn.now : Math.min(stats.firstAt, turn.now),
    lastAt: Math.max(stats.lastAt, turn.now),
    ...averages(paces),
  };
}

/** The newest turns in order of time, whatever order they are told in. One that was cut short says nothing of the pace. */
export function addPace(paces: readonly Pace[], turn: Settlement): readonly Pace[] {
  if (turn.status !== "completed") return paces;
  const { requestId, now, promptTokens, outputTokens, chars } = turn;
  const pace = {
    requestId,
    at: now,
    promptTokens,
    outputTokens,
    chars,
    answer: turn.answer ?? "",
    after: turn.answers?.at(-1) ?? "",
  };
  return [...paces, pace].toSorted(inTime).slice(-maxPaces);
}

type Averages = Pick<
  SessionStats,
  "outputPerTurn" | "newPromptPerTurn" | "gapMs" | "charsPerToken"
>;

function averages(paces: readonly Pace[]): Averages {
  let sofar: Averages = { outputPerTurn: 0, newPromptPerTurn: 0, gapMs: 0, charsPerToken: 0 };
  for (const [n, pace] of paces.entries()) {
    const before =
      pace.after === ""
        ? undefined
        : paces.slice(0, n).findLast(({ answer }) => answer === pace.after);
    const charsPerToken = pace.promptTokens > 0 ? pace.chars / pace.promptTokens : 0;
    const grown = before ? pace.promptTokens - before.promptTokens : 0;
    sofar = {
      outputPerTurn: average(sofar.outputPerTurn, pace.outputTokens),
      newPromptPerTurn: average(sofar.newPromptPerTurn, grown),
      gapMs: average(sofar.gapMs, before ? pace.at - before.at : 0),
      charsPerToken: average(sofar.charsPerToken, charsPerToken),
    };
  }
  return sofar;
}

function inTime(one: Pace, other: Pace): number {
  return one.at - other.at || (one.requestId < other.requestId ? -1 : 1);
}

/** Nothing measured (0 or less) leaves the average as it was; the first measurement is the average. */
function average(sofar: number, newest: number): number {
  if (newest <= 0) return sofar;
  return sofar === 0 ? newest : sofar + weightOfNewest * (newest - sofar);
}
