/** What an engine told of its load and its KV cache. What it did not tell is absent: unknown, never 0. */
export type EngineLoad = {
  /** Requests that wait to be run. */
  readonly waiting?: number | undefined;
  readonly running?: number | undefined;
  /** Prompt tokens that those who wait have yet to get computed. */
  readonly waitingTokens?: number | undefined;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUse?: number | undefined;
  /** Prompt tokens found cached since the engine started. */
  readonly cacheHitTokens?: number | undefined;
  /** Prompt tokens looked for in the cache since the engine started. */
  readonly cacheQueryTokens?: number | undefined;
  /** Tokens in one block of the KV cache. */
  readonly blockTokens?: number | undefined;
  readonly blocks?: number | undefined;
  /** Tokens the KV cache holds, where the engine counts them so. */
  readonly capacityTokens?: number | undefined;
};

/** The load of an engine of several data-parallel ranks; what one of them does not tell is unknown of all. */
export function loadOfRanks(ranks: readonly EngineLoad[]): EngineLoad {
  const of = (name: keyof EngineLoad) => ranks.map((rank) => rank[name]);
  return {
    waiting: sum(of("waiting")),
    running: sum(of("running")),
    waitingTokens: sum(of("waitingTokens")),
    kvUse: mean(of("kvUse")),
    cacheHitTokens: sum(of("cacheHitTokens")),
    cacheQueryTokens: sum(of("cacheQueryTokens")),
    blockTokens: common(of("blockTokens")),
    blocks: sum(of("blocks")),
    capacityTokens: sum(of("capacityTokens")),
  };
}

type Figures = readonly (number | undefined)[];

/** How the figures of several ranks come to one; undefined of none, and where one of them is. */
export function sum(figures: Figures): number | undefined {
  const known = allKnown(figures);
  return known?.reduce((total, figure) => total + figure, 0);
}

export function mean(figures: Figures): number | undefined {
  const total = sum(figures);
  return total === undefined ? undefined : total / figures.length;
}

export function common(figures: Figures): number | undefined {
  const [first, ...others] = figures;
  return others.every((figure) => figure === first) ? first : undefined;
}

/** A share as it is told; anything that is none is unknown. */
export function share(figure: number | undefined): number | undefined {
  return figure !== undefined && figure >= 0 && figure <= 1 ? figure : undefined;
}

function allKnown(figures: Figures): number[] | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length > 0 && known.length === figures.length ? known : undefined;
}
