import { closedBreaker, countFailure } from "./breaker.ts";
import { missed } from "./residency.ts";
import { engineOf, type RegionState } from "./region-state.ts";

/**
 * What came of a pull: how much of the prompt was there in the end, 0 to 1; or that nothing came (`failed`); or that
 * the engine does not ask that other one at all (`refused`).
 */
export type PullEnd = { readonly share: number } | { readonly why: "failed" | "refused" };

/** The engine of a leg that was to pull told what came of it. What was not where it should be is not looked for again. */
export function pulled(state: RegionState, ticket: string, came: PullEnd, nowMs: number): void {
  const engine = state.tickets.get(ticket);
  const live = engine?.grants.get(ticket);
  if (engine === undefined || live?.pull === undefined) return;
  const { keys, linkTokens, pull } = live;
  const source = engineOf(state, pull.from);
  if ("why" in came) {
    const breaker = engine.pullsFrom.get(pull.from) ?? closedBreaker();
    engine.pullsFrom.set(pull.from, breaker);
    countFailure(breaker, ticket, nowMs);
    // It may have restarted: whoever is refused says nothing of that.
    if (came.why === "failed") source?.index.forget(keys, linkTokens);
    return;
  }
  engine.pullsFrom.delete(pull.from);
  const cameTokens = came.share * (linkTokens.at(-1) ?? 0);
  if (source === undefined || cameTokens >= AGREES * pull.tokens) return;
  source.index.forget(keys, linkTokens, cameTokens);
  missed(source.residency);
}

/** Tokens are estimated, and engines cache whole blocks. */
const AGREES = 0.7;
