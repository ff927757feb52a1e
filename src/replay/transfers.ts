/** One transfer of KV cache under way. */
export type Flow = {
  readonly id: number;
  /** What it shares with others: ports and links, by number. */
  readonly over: readonly number[];
  readonly perFlowBytesPerMs: number;
  leftBytes: number;
  rate: number;
};

/**
 * Transfers that share ports and links: each gets an equal part of everything it crosses, and is as fast as the
 * narrowest. Rates change whenever one begins or ends. Times in virtual ms.
 */
export class Transfers {
  readonly #capacities: readonly number[];
  readonly #flowsOver: Int32Array;
  readonly #flows = new Map<number, Flow>();
  #now = 0;
  movedBytes = 0;

  /** `capacities` are bytes per ms. */
  constructor(capacities: readonly number[]) {
    this.#capacities = capacities;
    this.#flowsOver = new Int32Array(capacities.length);
  }

  begin(
    id: number,
    bytes: number,
    over: readonly number[],
    perFlowBytesPerMs: number,
    nowMs: number,
  ): void {
    this.#settle(nowMs);
    for (const one of over) this.#flowsOver[one] = (this.#flowsOver[one] ?? 0) + 1;
    this.#flows.set(id, { id, over, perFlowBytesPerMs, leftBytes: bytes, rate: 0 });
    this.#share();
  }

  /** When the next transfer ends if none begins before; Infinity without any. */
  get nextEndAt(): number {
    let soonest = Infinity;
    for (const { leftBytes, rate } of this.#flows.values()) {
      soonest = Math.min(soonest, this.#now + leftBytes / rate);
    }
    return soonest;
  }

  /** Ids of the transfers that have ended by now. */
  ended(nowMs: number): number[] {
    this.#settle(nowMs);
    const over: number[] = [];
    for (const flow of this.#flows.values()) {
      if (flow.leftBytes > flow.rate * TINY_MS) continue;
      over.push(flow.id);
      this.#flows.delete(flow.id);
      this.movedBytes += flow.leftBytes;
      for (const one of flow.over) this.#flowsOver[one] = (this.#flowsOver[one] ?? 1) - 1;
    }
    if (over.length > 0) this.#share();
    return over;
  }

  #settle(nowMs: number): void {
    const ms = nowMs - this.#now;
    this.#now = nowMs;
    if (ms <= 0) return;
    for (const flow of this.#flows.values()) {
      const bytes = Math.min(flow.leftBytes, flow.rate * ms);
      flow.leftBytes -= bytes;
      this.movedBytes += bytes;
    }
  }

  #share(): void {
    for (const flow of this.#flows.values()) {
      let rate = flow.perFlowBytesPerMs;
      for (const one of flow.over) {
        rate = Math.min(rate, (this.#capacities[one] ?? 0) / (this.#flowsOver[one] ?? 1));
      }
      flow.rate = rate;
    }
  }
}

/** Rounding must not leave a crumb that takes another event. */
const TINY_MS = 1e-6;
