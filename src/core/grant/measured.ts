/** Measured time over modelled time of one phase: 1 as the device class says, 2 twice as slow. */
export type Measured = {
  /** Of each engine that was observed, and when it last was, epoch ms. */
  own: number | undefined;
  samples: number;
  /** How much that counts beside the pool's, 0 to 1. */
  known: number;
  at: number;
};

/** What an engine's pool mates say of the same phase. */
export type Shared = { factor: number };

/** Weight of one observation among many; the first few weigh more. */
const WEIGHT = 0.1;
const SLOWEST = 8;
const FASTEST = 0.1;
/** Engines of a pool are interchangeable: smaller differences are noise, and following them would starve a twin. */
const NOTABLE = 0.25;
/** An engine that was slow is asked again some time after: what was learned of it alone fades, ms. */
const HALF_LIFE_MS = 60_000;

export function unmeasured(): Measured {
  return { own: undefined, samples: 0, known: 0, at: 0 };
}

/** The factor to reckon with: the pool's, unless this engine is notably different. */
export function factorOf(measured: Measured, shared: Shared, nowMs: number): number {
  if (measured.own === undefined) return shared.factor;
  // One slow answer makes no slow engine: it begins as one of its pool, and each observation counts as in `observe`.
  const difference = (measured.own - shared.factor) * measured.known;
  if (Math.abs(difference) < NOTABLE * shared.factor) return shared.factor;
  const faded =
    shared.factor + difference * 0.5 ** (Math.max(0, nowMs - measured.at) / HALF_LIFE_MS);
  return Math.abs(faded - shared.factor) < NOTABLE * shared.factor ? shared.factor : faded;
}

/** Moves one engine's factor by an observation, and the pool's to the middle of its engines (the faster of two). */
export function observe(
  measured: Measured,
  shared: Shared,
  mates: readonly Measured[],
  observed: number,
  nowMs: number,
): void {
  const before = measured.own ?? shared.factor;
  measured.samples += 1;
  measured.known += WEIGHT * (1 - measured.known);
  const weight = Math.max(WEIGHT, 1 / (measured.samples + 1));
  measured.own = Math.min(SLOWEST, Math.max(FASTEST, before + weight * (observed - before)));
  measured.at = nowMs;
  const known = mates
    .flatMap(({ own }) => (own === undefined ? [] : [own]))
    .toSorted((a, b) => a - b);
  shared.factor = known[Math.floor((known.length - 1) / 2)] ?? 1;
}
