/**
 * Decayed sums over legs that hardly queued: x is one over their modelled prefill in ms, y their measured time over it.
 * Errors are shares of a prefill, so that long prompts would drown short ones in sums of ms.
 */
export type Lateness = { n: number; x: number; y: number; xx: number; xy: number };

/** Legs further back than about this many count little. */
const KEEP = 0.99;
const FEWEST = 8;
/** Prompts that differ less than this (variance over squared mean) do not tell what a leg takes whatever its length. */
const LEAST_SPREAD = 0.05;

export function noLateness(): Lateness {
  return { n: 0, x: 0, y: 0, xx: 0, xy: 0 };
}

/**
 * What every leg takes however short its prompt: the way of the request and of the report, and steps of those that
 * decode, ms. Laid to the engine's speed it would make short prompts take several times as long as they do.
 */
export function latenessMs({ n, x, y, xx, xy }: Lateness): number {
  if (n < FEWEST) return 0;
  const [meanX, meanY] = [x / n, y / n];
  const spread = xx / n - meanX * meanX;
  if (spread < LEAST_SPREAD * meanX * meanX) return 0;
  return Math.min(meanY / meanX, Math.max(0, (xy / n - meanX * meanY) / spread));
}

/** Enters one leg. */
export function observeLateness(late: Lateness, modelledMs: number, measuredMs: number): void {
  const [x, y] = [1 / modelledMs, measuredMs / modelledMs];
  late.n = late.n * KEEP + 1;
  late.x = late.x * KEEP + x;
  late.y = late.y * KEEP + y;
  late.xx = late.xx * KEEP + x * x;
  late.xy = late.xy * KEEP + x * y;
}
