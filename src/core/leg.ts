/** Which phase of a request one leg runs. */
export type LegKind = "prefill" | "decode" | "both";

/** Token counts as an engine reported them. */
export type Usage = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Absent when the engine did not say: unknown, never 0. */
  readonly cachedTokens?: number;
};
