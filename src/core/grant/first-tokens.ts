import type { Claim } from "./residency.ts";

/** First tokens of one engine that were seen, and those of its last iteration. */
export type FirstTokens = {
  /** In the order they came; of late ones others may still be on their way. */
  readonly seen: FirstToken[];
  iteration: FirstToken | undefined;
  /** When the iteration before that ended, epoch ms, and its last prompt. */
  endedAt: number;
  last: number;
};

/** A first token, or all of one iteration. */
export type FirstToken = {
  readonly at: number;
  /** When the engine could begin with it, epoch ms. */
  readonly readyAt: number;
  /** Of the prompts that the engine was given: the first and the last of the iteration, and how many of them are known. */
  readonly first: number;
  readonly last: number;
  readonly known: number;
  /** Modelled prefill at the engine's class speed, ms. */
  readonly modelledMs: number;
  /** False where it would say something else than how fast the engine is. */
  readonly teaches: boolean;
  /** What the one prompt of the iteration was to find in the cache. */
  readonly claim?: Claim | undefined;
};

/** What an iteration's prompts took, and what they were modelled to take, ms. */
export type Observed = {
  readonly ms: number;
  readonly modelledMs: number;
  /** Of what teaches something of the cache alone. */
  readonly claim?: Claim | undefined;
};

/** Reports of earlier first tokens come at most this much later, ms. */
const SETTLED_MS = 500;
/** First tokens this close are of one iteration, ms. */
const SAME_ITERATION_MS = 5;

export function noFirstTokens(): FirstTokens {
  return { seen: [], iteration: undefined, endedAt: -Infinity, last: -1 };
}

/** Enters a first token; tells of iterations that are settled since, as prompts of one engine wait for one another. */
export function observeFirstToken(tokens: FirstTokens, one: FirstToken): Observed[] {
  const { seen } = tokens;
  let at = seen.length;
  while (at > 0 && (seen[at - 1] as FirstToken).at > one.at) at--;
  seen.splice(at, 0, one);
  const settledBefore = (seen.at(-1) as FirstToken).at - SETTLED_MS;
  const observed: Observed[] = [];
  while ((seen[0] as FirstToken).at < settledBefore) {
    const iteration = join(tokens, seen.shift() as FirstToken);
    if (iteration) observed.push(iteration);
  }
  return observed;
}

/** Adds a first token to the iteration it belongs to; tells of the one before when it begins another. */
function join(tokens: FirstTokens, one: FirstToken): Observed | undefined {
  const { iteration, endedAt, last } = tokens;
  if (iteration && one.at - iteration.at <= SAME_ITERATION_MS) {
    tokens.iteration = {
      at: Math.max(one.at, iteration.at),
      readyAt: Math.min(one.readyAt, iteration.readyAt),
      first: Math.min(one.first, iteration.first),
      last: Math.max(one.last, iteration.last),
      known: one.known + iteration.known,
      modelledMs: one.modelledMs + iteration.modelledMs,
      teaches: one.teaches && iteration.teaches,
    };
    return undefined;
  }
  tokens.iteration = one;
  if (!iteration) return undefined;
  tokens.endedAt = iteration.at;
  tokens.last = iteration.last;
  // What was computed in between for those that told nothing would pass for slowness.
  const isWhole = iteration.first === last + 1 && iteration.known === iteration.last - last;
  const { at, readyAt, modelledMs, teaches, claim } = iteration;
  if (!isWhole || (!teaches && claim === undefined)) return undefined;
  return { ms: at - Math.max(readyAt, endedAt), modelledMs, claim };
}
