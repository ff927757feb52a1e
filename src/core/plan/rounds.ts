/** Later turns that are paid for in advance, at most. */
export const TURNS_AHEAD = 5;

/** How many times two conversations that do not fit one cache together are expected to evict each other. */
export function evictionRounds(remainingTurns: number): number {
  return 1 + Math.min(TURNS_AHEAD, remainingTurns);
}

/** Chance per later turn that a session which left its cache comes back to it. */
const RETURN_CHANCE = 0.1;

/** Chance that a session which left its cache ever comes back to it, 0..1. */
export function returnChance(remainingTurns: number): number {
  return Math.min(1, remainingTurns * RETURN_CHANCE);
}
