import { DurableObject } from "cloudflare:workers";
import {
  FLEET_MESSAGES_VERSION,
  type FleetPush,
  type FleetPushReply,
  type FleetRead,
  type FleetReadReply,
} from "../rpc/fleet-messages.ts";
import type { FleetCalls } from "../rpc/objects.ts";

/**
 * What every region of the world last told of its engines, for the isolates of one continent. All of it is in memory:
 * regions that have traffic tell it again within a second.
 */
export class Fleet<Env = unknown> extends DurableObject<Env> implements FleetCalls {
  readonly #now: () => number;
  readonly #told = new Map<string, { readonly at: number; readonly push: FleetPush }>();

  constructor(ctx: DurableObjectState, env: Env, now: () => number = Date.now) {
    super(ctx, env);
    this.#now = now;
  }

  push(push: FleetPush): FleetPushReply {
    if (push.v !== FLEET_MESSAGES_VERSION) return unknownVersion;
    const now = this.#now();
    this.#told.set(push.shard, { at: now, push });
    for (const [shard, { at }] of this.#told) if (now - at > LIFE_MS) this.#told.delete(shard);
    return { ok: true, v: 1 };
  }

  /** Engines of another mesh may be others of the same name: nothing is told of them. */
  read({ v, mesh }: FleetRead): FleetReadReply {
    if (v !== FLEET_MESSAGES_VERSION) return unknownVersion;
    const now = this.#now();
    const told = [...this.#told.values()]
      .filter(({ at, push }) => push.mesh === mesh && now - at <= LIFE_MS)
      .map(({ at, push: { shard, snapshot } }) => ({ shard, ageMs: now - at, snapshot }));
    return { ok: true, v: 1, told };
  }
}

/** Isolates make nothing of older ones. */
const LIFE_MS = 10_000;
const unknownVersion = { ok: false, v: 1, code: "unknown_version" } as const;
