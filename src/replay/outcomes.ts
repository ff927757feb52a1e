/** What became of every request of one run, by request. Times in virtual ms; NaN where it did not come to that. */
export type Outcomes = {
  readonly arrivedAt: Float64Array;
  /** When a router let it go to an engine. */
  readonly sentAt: Float64Array;
  /** As the caller sees them, at its edge. */
  readonly firstTokenAt: Float64Array;
  readonly endedAt: Float64Array;
  readonly status: Uint8Array;
  /** Engine that decoded, and the one that prefilled. */
  readonly engine: Int32Array;
  readonly prefill: Int32Array;
  readonly cachedTokens: Int32Array;
  readonly pulledTokens: Int32Array;
  readonly computedTokens: Int32Array;
};

export const PENDING = 0;
export const FINISHED = 1;
export const REFUSED = 2;
export const FAILED = 3;

export function emptyOutcomes(count: number): Outcomes {
  const times = (): Float64Array => new Float64Array(count).fill(NaN);
  return {
    arrivedAt: times(),
    sentAt: times(),
    firstTokenAt: times(),
    endedAt: times(),
    status: new Uint8Array(count),
    engine: new Int32Array(count).fill(-1),
    prefill: new Int32Array(count).fill(-1),
    cachedTokens: new Int32Array(count),
    pulledTokens: new Int32Array(count),
    computedTokens: new Int32Array(count),
  };
}
