import type { FleetLeg } from "./leg.ts";

/** Prefill that stands before an engine: the sum of what its legs still need. */
export class QueuedWork {
  /** Uncached tokens not yet computed. */
  tokens = 0;
  /** Work not begun, ms at nominal speed; the running iteration's is not in it. */
  ms = 0;

  /** Sets one leg's part. */
  count(leg: FleetLeg, tokens: number, ms: number): void {
    this.tokens += tokens - leg.queuedTokens;
    this.ms += ms - leg.queuedMs;
    leg.queuedTokens = tokens;
    leg.queuedMs = ms;
  }

  clear(): void {
    this.tokens = 0;
    this.ms = 0;
  }
}
