import { closedBreaker, countFailure } from "./breaker.ts";
import { missed } from "./residency.ts";
import { engineOf, type RegionState } from "./region-state.ts";

/**
 * What came of a pull: the share of the prompt, 0 to 1, that was there in the end, and why nothing came where nothing
 * did: it `failed`, or the engine does not ask that other one at all (`refused`).
 */
export type PullEnd = { readonly share: number; readonly why?: "failed" | "refused" };

/** The engine of a leg that was to pull told what came of it. What was not where it should be is not looked for again. */
export function pulled(
  state: RegionState,
  ticket: string,
  { share, why }: PullEnd,
  nowMs: number,
): void {
  const engine = state.tickets.get(ticket);
  const live = engine?.grants.get(ticket);
  if (engine === undefined || live?.pull === undefined) return;
  const { keys, linkTokens, pull } = live;
  const source = engineOf(state, pull.from);
  const cameTokens = share * (linkTokens.at(-1) ?? 0);
  const isThere = cameTokens >= AGREES * pull.tokens;
  if (why === undefined) {
    engine.pullsFrom?.delete(pull.from);
    if (isThere || source === undefined) return;
    source.index.forget(keys, linkTokens, cameTokens);
    return missed(source.residency);
  }
  // An engine that holds as much itself finds nothing longer: that is no failure of the other.
  if (isThere) return;
  engine.pullsFrom ??= new Map();
  const breaker = engine.pullsFrom.get(pull.from) ?? closedBreaker();
  engine.pullsFrom.set(pull.from, breaker);
  countFailure(breaker, ticket, nowMs);
  // It may have restarted: whoever is refused says nothing of that.
  if (why === "failed") source?.index.forget(keys, linkTokens);
}

/** Tokens are estimated, and engines cache whole blocks. */
const AGREES = 0.7;
