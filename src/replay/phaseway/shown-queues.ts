import type { PoolState, RegionState } from "../../core/grant/region-state.ts";
import { TimedRing } from "../timed-ring.ts";

/** What waits in the queues of regions, as edges see it in their snapshots. */
export class ShownQueues {
  readonly #pools: readonly PoolState[];
  readonly #ring: TimedRing;
  readonly #now: Float64Array;
  readonly #shown = new Map<string, number>();

  constructor(state: RegionState) {
    this.#pools = [...state.pools.values()];
    this.#ring = new TimedRing(this.#pools.length);
    this.#now = new Float64Array(this.#pools.length);
  }

  /** Pool → prefill that waits in its queue for each of its engines, ms, as it was `ageMs` ago. */
  asShown(nowMs: number, ageMs: number): ReadonlyMap<string, number> {
    for (const [at, pool] of this.#pools.entries()) this.#now[at] = waitingMs(pool);
    this.#ring.push(nowMs, this.#now);
    let from: number;
    while ((from = this.#ring.takeUntil(nowMs - ageMs)) >= 0) {
      for (const [at, { pool }] of this.#pools.entries()) {
        this.#shown.set(pool.id, this.#ring.values[from + at] as number);
      }
    }
    return this.#shown;
  }
}

function waitingMs({ queue, engines }: PoolState): number {
  let ms = 0;
  for (const { granted, prefillMs } of queue) if (granted === undefined) ms += prefillMs;
  return ms / engines.length;
}
