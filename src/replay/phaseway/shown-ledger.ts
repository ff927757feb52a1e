import { faded, promptShare } from "../../core/grant/prompt-share.ts";
import { waitingMs } from "../../core/grant/queue.ts";
import type { EngineState, PoolState, RegionState } from "../../core/grant/region-state.ts";
import { TimedRing } from "../timed-ring.ts";

/** What snapshots tell beside the gauges. */
export type Shown = {
  /** Prefill that waits in its pool's queue for each of its engines, ms. */
  readonly waitingMs: number;
  readonly promptShare: number;
};

/** What edges see of a region's ledger in their snapshots, by engine. */
export class ShownLedger {
  readonly #pools: readonly PoolState[];
  readonly #engines: readonly EngineState[];
  readonly #ring: TimedRing;
  readonly #now: Float64Array;
  readonly #shown = new Map<string, Shown>();

  constructor(state: RegionState) {
    this.#pools = [...state.pools.values()];
    this.#engines = this.#pools.flatMap(({ engines }) => engines);
    this.#ring = new TimedRing(2 * this.#engines.length);
    this.#now = new Float64Array(2 * this.#engines.length);
  }

  /** Engine id → the ledger as it was `ageMs` ago. */
  asShown(nowMs: number, ageMs: number): ReadonlyMap<string, Shown> {
    this.#ring.push(nowMs, this.#read(nowMs));
    let latest = -1;
    let from: number;
    while ((from = this.#ring.takeUntil(nowMs - ageMs)) >= 0) latest = from;
    if (latest < 0) return this.#shown;
    const { values } = this.#ring;
    for (const [at, { id }] of this.#engines.entries()) {
      const waitingMs = values[latest + 2 * at] as number;
      this.#shown.set(id, {
        waitingMs,
        promptShare: faded(values[latest + 2 * at + 1] as number, ageMs),
      });
    }
    return this.#shown;
  }

  #read(nowMs: number): Float64Array {
    let at = 0;
    for (const pool of this.#pools) {
      const waits = waitingMs(pool);
      for (const engine of pool.engines) {
        this.#now[at++] = waits;
        this.#now[at++] = promptShare(engine, nowMs);
      }
    }
    return this.#now;
  }
}
