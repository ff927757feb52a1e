import type { LedgerEntry } from "./reconcile.ts";

/** How evenly the engines of each pool were loaded: the most of any over the mean of all. */
export function poolLoads(
  entries: ReadonlyMap<string, readonly LedgerEntry[]>,
): Record<string, PoolLoad> {
  const pools = Map.groupBy(entries.keys(), poolOf);
  const total = [...entries.values()].reduce((sum, { length }) => sum + length, 0);
  const loads = [...pools].toSorted(([a], [b]) => a.localeCompare(b));
  return Object.fromEntries(
    loads.flatMap(([pool, engines]) => {
      const legs = engines.map((engine) => entries.get(engine)?.length ?? 0);
      const tokens = engines.map((engine) => sum(entries.get(engine) ?? []));
      const all = legs.reduce((total, count) => total + count, 0);
      if (all === 0) return [];
      const counted = all >= LEAST_SHARE * total * engines.length;
      return [
        [
          pool,
          {
            engines: engines.length,
            requests: all,
            counted,
            requests_max_over_mean: maxOverMean(legs),
            tokens_max_over_mean: maxOverMean(tokens),
          },
        ],
      ];
    }),
  );
}

export type PoolLoad = {
  readonly engines: number;
  readonly requests: number;
  /** False where so few requests came that they are a conversation or two, which stay with their cache. */
  readonly counted: boolean;
  readonly requests_max_over_mean: number;
  /** Of prompt tokens computed and tokens generated. */
  readonly tokens_max_over_mean: number;
};

/** Share of all requests, per engine of a pool, below which its balance says nothing. */
export const LEAST_SHARE = 0.05;

/** The worst of the pools that count; null when none does. */
export function worstLoad(
  loads: Readonly<Record<string, PoolLoad>>,
  of: "requests_max_over_mean" | "tokens_max_over_mean",
): number | null {
  const counted = Object.values(loads).filter((load) => load.counted);
  return counted.length === 0 ? null : Math.max(...counted.map((load) => load[of]));
}

export function poolOf(engine: string): string {
  return engine.slice(0, engine.lastIndexOf("/"));
}

function sum(entries: readonly LedgerEntry[]): number {
  return entries.reduce((total, entry) => total + entry.computedTokens + entry.outputTokens, 0);
}

function maxOverMean(values: readonly number[]): number {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  return mean === 0 ? 1 : Math.max(...values) / mean;
}
