import type { ReplayRequest } from "./policy.ts";

/** What a router believes the engines' prefix caches hold, from what it sent them itself: one bounded LRU each. */
export type PrefixModel = {
  /** Prompt tokens of the request believed to be held; never the whole prompt. */
  matchTokens(engine: number, request: ReplayRequest): number;
  /** The request's blocks are held now, and were just used. */
  insert(engine: number, request: ReplayRequest): void;
  /** The engine lost everything. */
  clear(engine: number): void;
  /** Tokens believed to be held in all. */
  heldTokens(engine: number): number;
};
