import type { Figures } from "../figures.ts";
import type { Cell } from "./cells.ts";

/** A finished cell, as a campaign's file has it: one JSON object per line. */
export type CellResult = { readonly cell: Cell; readonly figures: Figures };

/** Ours against the best others in one situation, all means over seeds. */
export type Verdict = {
  readonly situation: string;
  readonly oursMs: number;
  readonly boundMs: number;
  readonly bestStale: Best | undefined;
  readonly bestExact: Best | undefined;
  /** Regret at most half of the best stale baseline's. */
  readonly beatsStale: boolean;
  /** Regret at most 1.1 of the best exact baseline's, or 60 ms more. */
  readonly meetsExact: boolean;
};

export type Best = { readonly policy: string; readonly regretMs: number };

const OURS = "phaseway";
const OF_STALE = 0.5;
const OF_EXACT = 1.1;
const SLACK_MS = 60;

/** Compares `phaseway` with the others, situation by situation, in the order of the results. */
export function verdictsOf(results: readonly CellResult[]): Verdict[] {
  const situations = Map.groupBy(results, ({ cell }) => situationOf(cell));
  return [...situations].flatMap(([situation, those]) => {
    const regrets = Map.groupBy(those, ({ cell }) => `${cell.sight} ${cell.policy}`);
    const ours = regrets.get(`stale ${OURS}`);
    if (ours === undefined) return [];
    const oursMs = meanOf(ours, "regret_ms");
    const bestStale = bestOf(regrets, "stale");
    const bestExact = bestOf(regrets, "exact");
    return [
      {
        situation,
        oursMs,
        boundMs: meanOf(ours, "bound_ttft_ms"),
        bestStale,
        bestExact,
        beatsStale: bestStale === undefined || oursMs <= OF_STALE * bestStale.regretMs,
        meetsExact:
          bestExact === undefined ||
          oursMs <= Math.max(OF_EXACT * bestExact.regretMs, bestExact.regretMs + SLACK_MS),
      },
    ];
  });
}

/** One line per situation, and how many were lost. */
export function verdictText(verdicts: readonly Verdict[]): string {
  const best = (one: Best | undefined): string =>
    one === undefined ? "-" : `${(one.regretMs / 1000).toFixed(2)} (${one.policy})`;
  const lines = verdicts.map(({ situation, oursMs, bestStale, bestExact, ...verdict }) => {
    const lost = [verdict.beatsStale ? "" : "stale", verdict.meetsExact ? "" : "exact"];
    return `${situation}: regret ${(oursMs / 1000).toFixed(2)} s, best stale ${best(bestStale)}, best exact ${best(bestExact)} ${lost.join(" ").trim() === "" ? "won" : `LOST to ${lost.join(" ").trim()}`}`;
  });
  const won = verdicts.filter(({ beatsStale, meetsExact }) => beatsStale && meetsExact).length;
  return [...lines, `simulated; ${won} of ${verdicts.length} situations won`].join("\n");
}

function situationOf({ trace, calibration, arrivals, load }: Cell): string {
  return `${trace} ${calibration} ${arrivals} load ${load}`;
}

function bestOf(
  regrets: ReadonlyMap<string, readonly CellResult[]>,
  sight: Cell["sight"],
): Best | undefined {
  let best: Best | undefined;
  for (const those of regrets.values()) {
    const cell = those[0]?.cell;
    if (cell === undefined || cell.sight !== sight || cell.policy === OURS) continue;
    const regretMs = meanOf(those, "regret_ms");
    if (best === undefined || regretMs < best.regretMs) best = { policy: cell.policy, regretMs };
  }
  return best;
}

function meanOf(results: readonly CellResult[], name: string): number {
  return results.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0) / results.length;
}
