import { transferMs } from "../speed.ts";
import type { Leg } from "./legs.ts";
import { linkBetween, type Scope } from "./scope.ts";

/** A prefix that a prefill leg has fetched instead of computing it. */
export type Fetched = {
  /** Prefix tokens it then has, those it held included. */
  readonly tokens: number;
  readonly bytes: number;
  /** The transfer and the prefill of the rest. */
  readonly prefillMs: number;
};

/** What comes of fetching the conversation from where its last turn was decoded; undefined where computing is quicker. */
export function fetched(scope: Scope, leg: Leg): Fetched | undefined {
  const { fleet, ask } = scope.input;
  const { kept } = ask;
  if (kept === undefined || kept.tokens <= leg.heldTokens) return undefined;
  const from = fleet.pools.get(kept.engine.slice(0, kept.engine.lastIndexOf("/")));
  if (!from?.bidirectional || from.dialect !== leg.pool.dialect) return undefined;
  // What hands a cache over one way hands it back.
  const link =
    linkBetween(fleet.links, from.id, leg.pool.id) ??
    linkBetween(fleet.links, leg.pool.id, from.id);
  if (link === undefined) return undefined;
  const tokens = Math.min(kept.tokens, scope.promptTokens - 1);
  const bytes = (tokens - leg.heldTokens) * scope.model.kvBytesPerToken;
  const restMs = leg.speed.prefillMs(scope.promptTokens, tokens) * leg.view.prefillFactor;
  const prefillMs = transferMs(link, bytes) + restMs;
  return prefillMs < leg.prefillMs ? { tokens, bytes, prefillMs } : undefined;
}
