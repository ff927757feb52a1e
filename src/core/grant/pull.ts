import { mayAsk } from "./breaker.ts";
import type { EngineState, PoolState } from "./region-state.ts";

/** What moving cached prefixes between the engines of one pool takes, while nothing else moves. */
export type PullCost = { readonly fixedMs: number; readonly msPerToken: number };

/** A prefix to fetch from another engine before prefill: up to `tokens`, counted from the prompt's start. */
export type Pull = { readonly from: string; readonly tokens: number };

/** The engine that holds most of a prompt, ready to be fetched; of several the one whose port is free first. */
export type Source = { readonly engine: EngineState; readonly tokens: number };

/** Whom an engine of the pool would pull from; undefined where nobody can, or nobody holds anything. */
export function sourceOf(
  pool: PoolState,
  keys: Float64Array,
  linkTokens: Uint32Array,
  mostTokens: number,
  nowMs: number,
): Source | undefined {
  if (pool.pull === undefined) return undefined;
  let tokens = 0;
  let source: EngineState | undefined;
  for (const engine of pool.engines) {
    if (!mayAsk(engine.breaker, nowMs)) continue;
    const ready = Math.min(mostTokens, engine.index.readyTokens(keys, linkTokens, nowMs));
    if (ready === 0 || ready < tokens) continue;
    const isSooner = source === undefined || engine.sendsUntil < source.sendsUntil;
    if (ready === tokens && !isSooner) continue;
    tokens = ready;
    source = engine;
  }
  return source && { engine: source, tokens };
}

/** Until what one engine lacks of a prompt has come from another, behind what both ports have to carry before, ms. */
export function pullMs(
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
export function enterPull(from: EngineState, to: EngineState, untilMs: number): void {
  from.sendsUntil = Math.max(from.sendsUntil, untilMs);
  to.receivesUntil = Math.max(to.receivesUntil, untilMs);
}
