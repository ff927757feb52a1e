import { packIndexes, restoreIndexes } from "../core/grant/checkpoint.ts";
import { restoreLease, silentGrants } from "../core/grant/lease.ts";
import { relearn } from "../core/grant/relearn.ts";
import type { RegionState } from "../core/grant/region-state.ts";
import { lapse } from "../core/grant/report.ts";
import { beginUnsure } from "../core/grant/unsure.ts";
import type { RegionReserve } from "../rpc/region-messages.ts";
import type { RegionStore } from "./region-store.ts";

/**
 * The ledger of a region, and what of it outlives the object's memory: legs that run long, and once a minute the prefix
 * indexes. Both are written on the way of a call: what has changed since is told again by those who ask, and a timer of
 * the object's own would be billed to a region that nobody asks.
 */
export class RegionMemory {
  readonly state: RegionState;
  readonly #store: RegionStore;
  readonly #bornAt: number;
  /** What happened between these two times is not known here. */
  readonly #knownUntil: number;
  #checkpointAt: number;
  #isDirty = false;
  #sweptAt: number;
  /** Tickets that were given up, and when: what asks in their name may still be on its way. */
  readonly #withdrawn = new Map<string, number>();

  constructor(store: RegionStore, state: RegionState, nowMs: number) {
    this.state = state;
    this.#store = store;
    this.#bornAt = nowMs;
    this.#sweptAt = nowMs;
    beginUnsure(state, nowMs);
    const checkpoint = store.readCheckpoint();
    this.#checkpointAt = Math.min(nowMs, checkpoint?.at ?? -Infinity);
    const isRestored = restoreIndexes(state, checkpoint?.parts ?? []);
    this.#knownUntil = isRestored ? this.#checkpointAt : -Infinity;
    const leases = store.readLeases().toSorted((a, b) => a.live.grantedAt - b.live.grantedAt);
    for (const lease of leases) {
      if (!restoreLease(state, lease, nowMs)) store.deleteLease(lease.live.ticket);
    }
  }

  /** Believes the session where it says what this memory cannot know. */
  relearn({ wanted, heldAgesMs }: RegionReserve, nowMs: number): void {
    const ages = Object.entries(heldAgesMs ?? {});
    const learnedAt = Object.fromEntries(ages.map(([engine, ms]) => [engine, nowMs - ms]));
    const unknown = { fromMs: this.#knownUntil, toMs: this.#bornAt };
    relearn(this.state, wanted, learnedAt, unknown);
  }

  withdraw(ticket: string, nowMs: number): void {
    this.#withdrawn.set(ticket, nowMs);
  }

  wasWithdrawn(ticket: string | undefined): boolean {
    return ticket !== undefined && this.#withdrawn.has(ticket);
  }

  /** The indexes are not as they were written. */
  changed(): void {
    this.#isDirty = true;
  }

  /** Frees what nobody renewed and writes what is worth it; true when something became free. */
  sweep(nowMs: number): boolean {
    const isDue = nowMs - this.#sweptAt >= SWEEP_EVERY_MS;
    const lapsed = isDue && lapse(this.state, nowMs) > 0;
    for (const ticket of this.#store.leases) {
      if (!this.state.tickets.has(ticket)) this.#store.deleteLease(ticket);
    }
    if (!isDue) return lapsed;
    this.#sweptAt = nowMs;
    for (const lease of silentGrants(this.state, nowMs)) {
      if (!this.#store.leases.has(lease.live.ticket)) this.#store.writeLease(lease);
    }
    for (const [ticket, at] of this.#withdrawn) {
      if (nowMs - at > WITHDRAWN_MS) this.#withdrawn.delete(ticket);
    }
    if (this.#isDirty && nowMs - this.#checkpointAt >= CHECKPOINT_EVERY_MS) {
      this.#store.writeCheckpoint(nowMs, packIndexes(this.state));
      this.#checkpointAt = nowMs;
      this.#isDirty = false;
    }
    return lapsed;
  }
}

const SWEEP_EVERY_MS = 1000;
const CHECKPOINT_EVERY_MS = 60_000;
/** Longer than any call is on its way, ms. */
const WITHDRAWN_MS = 15_000;
