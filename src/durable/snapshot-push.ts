import type { Clock } from "../core/clock.ts";
import { callObject } from "../rpc/call-object.ts";
import { FLEET_MESSAGES_VERSION } from "../rpc/fleet-messages.ts";
import type { FleetStub } from "../rpc/objects.ts";
import type { RegionSnapshot } from "../rpc/region-messages.ts";

/** Tells the world of a region's changes: at once after a quiet second, else when a second has passed since the last. */
export class SnapshotPush {
  readonly #options: SnapshotPushOptions;
  #pushedAt = -Infinity;
  #isComing = false;

  constructor(options: SnapshotPushOptions) {
    this.#options = options;
  }

  /** A shard's engines have changed; `take` gives their snapshot when it is wanted. */
  touched(shard: string, take: () => RegionSnapshot): void {
    if (this.#isComing) return;
    this.#isComing = true;
    this.#options.waitUntil(this.#push(shard, take));
  }

  async #push(shard: string, take: () => RegionSnapshot): Promise<void> {
    const { clock, mesh, fleets } = this.#options;
    const waitMs = this.#pushedAt + PUSH_EVERY_MS - clock.now();
    if (waitMs > 0) await clock.wait(waitMs);
    this.#isComing = false;
    this.#pushedAt = clock.now();
    const push = { v: FLEET_MESSAGES_VERSION, mesh, shard, snapshot: take() } as const;
    await Promise.all(
      fleets.map((stub) => callObject(stub, (fleet) => fleet.push(push), PATIENCE)),
    );
  }
}

export type SnapshotPushOptions = {
  readonly clock: Clock;
  /** Version of the `mesh.json` that the region knows. */
  readonly mesh: string;
  /** The `Fleet` objects of every continent; each gives a new stub. */
  readonly fleets: readonly (() => FleetStub)[];
  readonly waitUntil: (work: Promise<unknown>) => void;
};

const PUSH_EVERY_MS = 1000;
/** What was not told within that is told anew soon. */
const PATIENCE = { timeoutMs: 1000 };
