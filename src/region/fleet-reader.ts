import type { Clock } from "../core/clock.ts";
import { callObject } from "../rpc/call-object.ts";
import { FLEET_MESSAGES_VERSION } from "../rpc/fleet-messages.ts";
import type { FleetStub } from "../rpc/objects.ts";
import type { Snapshots } from "./snapshots.ts";

/**
 * Reads for an isolate what regions it has not asked lately tell of themselves: at most once a second, at most once in
 * several turns, and never on a request's way.
 */
export class FleetReader {
  readonly #clock: Clock;
  readonly #mesh: string;
  readonly #snapshots: Snapshots;
  #readAt = -Infinity;
  #turns = TURNS_PER_READ;

  /** `mesh` is the version of this isolate's `mesh.json`. */
  constructor(clock: Clock, mesh: string, snapshots: Snapshots) {
    this.#clock = clock;
    this.#mesh = mesh;
    this.#snapshots = snapshots;
  }

  /** A turn begins. */
  onTurn(fleet: () => FleetStub, waitUntil: (work: Promise<unknown>) => void): void {
    this.#turns += 1;
    const now = this.#clock.now();
    if (this.#turns < TURNS_PER_READ || now - this.#readAt < READ_EVERY_MS) return;
    this.#turns = 0;
    this.#readAt = now;
    waitUntil(this.#read(fleet));
  }

  async #read(fleet: () => FleetStub): Promise<void> {
    const ask = { v: FLEET_MESSAGES_VERSION, mesh: this.#mesh } as const;
    const read = await callObject(fleet, (stub) => stub.read(ask), PATIENCE);
    if (read.kind === "lost" || !read.value.ok) return;
    const now = this.#clock.now();
    for (const { shard, ageMs, snapshot } of read.value.told) {
      this.#snapshots.keep(shard, snapshot, now - ageMs);
    }
  }
}

const READ_EVERY_MS = 1000;
/** An isolate with little traffic reads as much less often: reading must not cost a call a turn. */
const TURNS_PER_READ = 5;
const PATIENCE = { timeoutMs: 1000 };
