/** Share of all computed prompt tokens that were prefilled away from the engine that decoded; null without any. */
export function prefilledAwayShare(
  legs: Iterable<{ readonly leg: string; readonly computedTokens?: number }>,
): number | null {
  let away = 0;
  let all = 0;
  for (const { leg, computedTokens = 0 } of legs) {
    all += computedTokens;
    if (leg === "prefill") away += computedTokens;
  }
  return all === 0 ? null : away / all;
}
