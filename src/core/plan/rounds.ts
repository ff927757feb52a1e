/** Later turns that are paid for in advance, at most. */
export const TURNS_AHEAD = 5;

/** How many times two conversations that do not fit one cache together are expected to evict each other. */
export function evictionRounds(remainingTurns: number): number {
  return 1 + Math.min(TURNS_AHEAD, remainingTurns);
}
