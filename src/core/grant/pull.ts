import { asked, type Breaker, mayAsk } from "./breaker.ts";
import type { EngineState, PoolState } from "./region-state.ts";

/** What moving cached prefixes from the engines of one pool to those of another takes, while nothing else moves. */
export type PullCost = {
  readonly fixedMs: number;
  readonly msPerToken: number;
  /** The whole prefix is moved, and not only what the engine lacks of it. */
  readonly movesAll?: boolean;
};

/** Where the engines of a pool may pull from: another pool, or their own. */
export type PullLink = { readonly from: string; readonly cost: PullCost };

/** A prefix to fetch from another engine before prefill: up to `tokens`, counted from the prompt's start. */
export type Pull = {
  readonly from: string;
  readonly tokens: number;
  /** Of them, those that are expected to be moved, and how long until they have come. */
  readonly movedTokens: number;
  readonly ms: number;
};

/** The engine of a pool that holds most of a prompt, ready to be fetched; of several the one whose port is free first. */
export type Source = {
  readonly engine: EngineState;
  readonly tokens: number;
  readonly cost: PullCost;
};

/** Whom an engine of the pool would pull from, one of each pool; nobody where none can, or none holds anything. */
export function sourcesOf(
  pool: PoolState,
  keys: Float64Array,
  linkTokens: Uint32Array,
  mostTokens: number,
  nowMs: number,
): readonly Source[] {
  if (pool.pulls.length === 0) return NOBODY;
  const sources: Source[] = [];
  for (const { pool: from, cost } of pool.pulls) {
    let tokens = 0;
    let source: EngineState | undefined;
    for (const engine of from.engines) {
      if (!mayAsk(engine.breaker, nowMs)) continue;
      const ready = Math.min(mostTokens, engine.index.readyTokens(keys, linkTokens, nowMs));
      if (ready === 0 || ready < tokens) continue;
      const isSooner = source === undefined || engine.sendsUntil < source.sendsUntil;
      if (ready === tokens && !isSooner) continue;
      tokens = ready;
      source = engine;
    }
    if (source) sources.push({ engine: source, tokens, cost });
  }
  return sources;
}

const NOBODY: readonly Source[] = [];

/** What one engine would pull from a source, and until all of it is there, ms; `undefined` where it cannot or need not. */
export function pullFrom(
  { engine: source, tokens: ready, cost }: Source,
  engine: EngineState,
  tokens: number,
  covered: number,
  nowMs: number,
): { readonly tokens: number; readonly movedTokens: number; readonly ms: number } | undefined {
  const pulled = Math.min(ready, tokens - 1);
  if (pulled <= covered || source === engine) return undefined;
  const breaker = engine.pullsFrom?.get(source.id);
  if (breaker && !mayAsk(breaker, nowMs)) return undefined;
  const movedTokens = cost.movesAll ? pulled : pulled - covered;
  return { tokens: pulled, movedTokens, ms: pullMs(cost, source, engine, movedTokens, nowMs) };
}

/** Until so many tokens have come from one engine to another, behind what both ports have to carry before, ms. */
function pullMs(
  { fixedMs, msPerToken }: PullCost,
  from: EngineState,
  to: EngineState,
  tokens: number,
  nowMs: number,
): number {
  const waitMs = Math.max(0, from.sendsUntil - nowMs, to.receivesUntil - nowMs);
  return waitMs + fixedMs + tokens * msPerToken;
}

/** Enters a pull in the ledger: it takes both ports until it has come. */
export function enterPull(
  from: EngineState,
  to: EngineState,
  untilMs: number,
  ticket: string,
): void {
  from.sendsUntil = Math.max(from.sendsUntil, untilMs);
  to.receivesUntil = Math.max(to.receivesUntil, untilMs);
  const breaker: Breaker | undefined = to.pullsFrom?.get(from.id);
  if (breaker) asked(breaker, ticket);
}
