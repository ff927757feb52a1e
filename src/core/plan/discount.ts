import { cacheTtlMs } from "../hosted/cached.ts";
import type { Leg } from "./legs.ts";
import { returnChance, TURNS_AHEAD } from "./rounds.ts";
import type { Scope } from "./scope.ts";

/** What a hosted pool takes off for a prefix it has cached. */
export type Discount = {
  readonly tokens: number;
  /** Of one turn. */
  readonly usd: number;
  /** What it asks for the prefix in a later turn. */
  readonly laterUsd: number;
};

/** Keeps the largest discount that the session has anywhere and will have in its next turn. */
export function keepDiscount(scope: Scope, leg: Leg): void {
  if (isLate(leg, scope)) return;
  const discount = discountAt(leg, leg.heldTokens, scope);
  if (discount !== undefined && discount.usd > (scope.discount?.usd ?? 0)) {
    scope.discount = discount;
  }
}

/**
 * What leaving a hosted pool costs beyond this turn, which pays the full price at once: the same again if the session
 * comes back, and what the new pool asks more for the prefix in each later turn, if it is hosted as well. 0 where no
 * hosted pool has any of the prefix.
 */
export function lostDiscountUsd(scope: Scope, leg: Leg): number {
  const { discount } = scope;
  const { remainingTurns } = scope.input.ask;
  if (discount === undefined || remainingTurns <= 0) return 0;
  const lostUsd = discount.usd - (discountAt(leg, leg.heldTokens, scope)?.usd ?? 0);
  if (lostUsd <= 0) return 0;
  const later = laterUsd(leg, discount.tokens, scope);
  const turns = Math.min(TURNS_AHEAD, remainingTurns);
  return returnChance(remainingTurns) * lostUsd + turns * Math.max(0, later - discount.laterUsd);
}

function discountAt(leg: Leg, tokens: number, scope: Scope): Discount | undefined {
  const { routed, perMTok } = leg.pool;
  if (routed === "us" || perMTok === undefined || tokens === 0) return undefined;
  const usd = (tokens * (perMTok.in - perMTok.cached)) / 1e6;
  return { tokens, usd, laterUsd: laterUsd(leg, tokens, scope) };
}

/** Ours ask nothing for what they hold. A turn that comes later than a hosted pool keeps its cache pays the full price. */
function laterUsd(leg: Leg, tokens: number, scope: Scope): number {
  const { routed, perMTok } = leg.pool;
  if (routed === "us" || perMTok === undefined) return 0;
  return (tokens * (isLate(leg, scope) ? perMTok.in : perMTok.cached)) / 1e6;
}

function isLate({ pool }: Leg, { input }: Scope): boolean {
  return (input.ask.gapMs ?? 0) > cacheTtlMs(pool);
}
