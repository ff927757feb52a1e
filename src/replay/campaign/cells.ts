/** One run of a campaign. */
export type Cell = Situation & {
  readonly policy: string;
  /** `exact`: one router that knows everything; `stale`: 50 edges that see the fleet a second late. */
  readonly sight: "exact" | "stale";
  readonly seed: number;
};

/** What policies are compared in: a trace against a fleet at a load. */
export type Situation = {
  readonly trace: string;
  readonly calibration: string;
  readonly arrivals: ArrivalKind;
  /** Part of what the fleet could do at best. */
  readonly load: number;
};

/** As traced, simultaneous arrivals spread, or sessions by chance where the trace tells no times. */
export type ArrivalKind = "traced" | "spread" | "chance";

/** A cell's name, by which a campaign that goes on finds what it has. */
export function cellName(cell: Cell): string {
  const { policy, sight, seed } = cell;
  return [situationName(cell), policy, sight, seed].join("\t");
}

/** A situation's name. */
export function situationName({ trace, calibration, arrivals, load }: Situation): string {
  return [trace, calibration, arrivals, load].join("\t");
}

/** What a stale edge has to live with beside round trips: late reports, and costs wrong by a fifth. */
export const STALE = {
  edges: 50,
  staleMs: 1000,
  reportMs: [50, 300],
  costError: 0.2,
} as const;

/** Exact knowledge has one router beside the engines, costs as predicted and no delay. */
export const EXACT = { edges: 1, staleMs: 0, reportMs: [0, 0], costError: 0 } as const;

/** A trace's name in tables: the last part of its path, without its ending. */
export function traceName(path: string): string {
  const [last = path] = path.split(/[\\/]/).filter(Boolean).slice(-1);
  return last.replace(/\.[a-z]+$/, "");
}
