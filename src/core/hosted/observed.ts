/** A wait and what each token adds to it, ms. */
export type Line = { readonly baseMs: number; readonly msPerToken: number };

/** What was seen of a hosted API's speed, as sums whose older parts count less. Mutable; times in epoch ms. */
export type Observed = {
  readonly first: { weight: number; x: number; y: number; xx: number; xy: number; at: number };
  readonly step: { weight: number; ms: number; at: number };
};

/** What is left of the weight of everything before at each observation: about the last ten count. */
const KEPT = 0.9;
/** What was seen fades towards the device's figures, as nobody sees anything of an API that is not chosen, ms. */
const HALF_LIFE_MS = 300_000;
/** The device's figures count as an observation of this weight. */
const ASSUMED_WEIGHT = 0.2;
/** Prompts have to differ by about this much to tell what a token takes: else a long wait is a queue. */
const TELLING_TOKENS = 2000;

export function nothingObserved(): Observed {
  return {
    first: { weight: 0, x: 0, y: 0, xx: 0, xy: 0, at: 0 },
    step: { weight: 0, ms: 0, at: 0 },
  };
}

/** A first token came this long after its request, whose prompt had so many tokens that were not cached. */
export function observeFirst({ first }: Observed, tokens: number, ms: number, nowMs: number): void {
  const kept = KEPT * fading(first.at, nowMs);
  first.weight = first.weight * kept + 1;
  first.x = first.x * kept + tokens;
  first.y = first.y * kept + ms;
  first.xx = first.xx * kept + tokens * tokens;
  first.xy = first.xy * kept + tokens * ms;
  first.at = nowMs;
}

/** A token came this long after the one before. */
export function observeStep({ step }: Observed, ms: number, nowMs: number): void {
  const kept = KEPT * fading(step.at, nowMs);
  step.weight = step.weight * kept + 1;
  step.ms = step.ms * kept + ms;
  step.at = nowMs;
}

/** Time to the first token by uncached prompt tokens: a least-squares line, begun at `assumed`; undefined when nothing was seen. */
export function firstTokenLine(
  { first }: Observed,
  assumed: Line,
  nowMs: number,
): Line | undefined {
  if (first.weight === 0) return undefined;
  const faded = fading(first.at, nowMs);
  const weight = first.weight * faded;
  const x = first.x / first.weight;
  const y = first.y / first.weight;
  const spread = faded * (first.xx - first.x * x);
  const slope = faded * (first.xy - first.x * y) + TELLING_TOKENS ** 2 * assumed.msPerToken;
  // More tokens never take less; what then looks like it is noise.
  const msPerToken = Math.max(0, slope / (spread + TELLING_TOKENS ** 2));
  const assumedMs = assumed.baseMs + assumed.msPerToken * x;
  const levelMs = (weight * y + ASSUMED_WEIGHT * assumedMs) / (weight + ASSUMED_WEIGHT);
  const baseMs = levelMs - msPerToken * x;
  return baseMs >= 0 ? { baseMs, msPerToken } : { baseMs: 0, msPerToken: levelMs / x };
}

/** Time from one token to the next, begun at `assumedMs`. */
export function stepMsOf({ step }: Observed, assumedMs: number, nowMs: number): number {
  const faded = fading(step.at, nowMs);
  return (step.ms * faded + ASSUMED_WEIGHT * assumedMs) / (step.weight * faded + ASSUMED_WEIGHT);
}

function fading(atMs: number, nowMs: number): number {
  return 0.5 ** (Math.max(0, nowMs - atMs) / HALF_LIFE_MS);
}
