import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../core/clock.ts";
import type { Fleet } from "../core/fleet.ts";
import { leaseProbes } from "../core/grant/probes.ts";
import { pullLinksOf } from "../core/grant/pull-links.ts";
import { handedAgainOf } from "../core/grant/recompute.ts";
import { createRegionState, type RegionState } from "../core/grant/region-state.ts";
import { claim, reserve } from "../core/grant/reserve.ts";
import { speedsOf } from "../core/plan/speeds.ts";
import { shardOf } from "../core/shards.ts";
import type { RegionCalls } from "../rpc/objects.ts";
import {
  REGION_MESSAGES_VERSION,
  type RegionClaim,
  type RegionClaimReply,
  type RegionReport,
  type RegionReportReply,
  type RegionReserve,
  type RegionReserveReply,
} from "../rpc/region-messages.ts";
import { applyReports, relativeTo, snapshotOf } from "./region-answers.ts";
import { RegionMemory } from "./region-memory.ts";
import { RegionStore } from "./region-store.ts";
import type { SnapshotPush } from "./snapshot-push.ts";

/**
 * The engines of one region, or of a part of it: who was granted which, and who waits. Most of that is lost with the
 * object's memory: callers then tell which legs run, and sessions what they hold. Engines are tried by the legs of those
 * who ask, a broken one by one leg at a time; what they do not tell with their answers one of those who ask is to find
 * out. While nobody asks nobody has to know.
 */
export class Region<Env = unknown> extends DurableObject<Env> implements RegionCalls {
  readonly #options: RegionOptions;
  readonly #clock: Clock;
  readonly #store: RegionStore;
  /** Callers tell by it that the object has lost its memory. */
  readonly #life = crypto.randomUUID();
  #known: RegionMemory | undefined;
  #wakeAt = Infinity;
  #change = Promise.withResolvers<void>();

  constructor(ctx: DurableObjectState, env: Env, options: RegionOptions) {
    super(ctx, env);
    this.#options = options;
    this.#clock = options.clock;
    this.#store = new RegionStore(ctx.storage);
  }

  reserve(message: RegionReserve): RegionReserveReply {
    if (message.v !== REGION_MESSAGES_VERSION) return unknownVersion;
    const now = this.#clock.now();
    const memory = this.#memoryOf(message.region);
    const { state } = memory;
    const { wanted, standing, snapshotAgeMs } = message;
    this.#enter(memory, message, now);
    if (memory.wasWithdrawn(wanted.ticket)) return unknownTicket;
    memory.relearn(message, now);
    const { tenant, priority, deadlineInMs } = standing;
    const deadlineAt = now + deadlineInMs;
    const answer = reserve(state, wanted, { tenant, priority, deadlineAt }, now, Math.random);
    this.#changed(memory, message.region);
    const probes = leaseProbes(state, now);
    return {
      ok: true,
      v: 1,
      answer: relativeTo(now, answer),
      tookMs: this.#clock.now() - now,
      memory: this.#life,
      ...(probes.length > 0 && { probes }),
      ...(snapshotAgeMs > SNAPSHOT_YOUNG_MS && { snapshot: snapshotOf(state, now) }),
    };
  }

  /** Held until the leg may go, 5 s at most. */
  async claim({ v, region, pool: poolId, ticket }: RegionClaim): Promise<RegionClaimReply> {
    if (v !== REGION_MESSAGES_VERSION) return unknownVersion;
    const memory = this.#memoryOf(region);
    const { state } = memory;
    const pool = state.pools.get(poolId);
    const waiting = pool?.queue.find((one) => one.ticket === ticket);
    const until = this.#clock.now() + CLAIM_HELD_MS;
    for (let isFirst = true; ; isFirst = false) {
      const now = this.#clock.now();
      if (memory.sweep(now)) this.#wake();
      if (!pool || !waiting || !pool.queue.includes(waiting)) return unknownTicket;
      const mayGo = waiting.granted !== undefined || now >= pool.drainAt;
      if (isFirst || mayGo || now >= until) {
        const answer = claim(state, poolId, ticket, now, Math.random);
        if (answer.kind === "granted") this.#changed(memory, region);
        if (answer.kind !== "queued" || now >= until) {
          return { ok: true, v: 1, answer: relativeTo(now, answer) };
        }
      }
      this.#wakeBy(Math.min(pool.drainAt, until), now);
      await this.#change.promise;
    }
  }

  report(message: RegionReport): RegionReportReply {
    if (message.v !== REGION_MESSAGES_VERSION) return unknownVersion;
    const memory = this.#memoryOf(message.region);
    this.#enter(memory, message, this.#clock.now());
    const { events, running } = message.reports;
    if (events.length + running.length > 0) this.#changed(memory, message.region);
    return { ok: true, v: 1, memory: this.#life };
  }

  #memoryOf(region: string): RegionMemory {
    this.#known ??= new RegionMemory(
      this.#store,
      emptyState(this.#options, region),
      this.#clock.now(),
    );
    return this.#known;
  }

  #enter(memory: RegionMemory, { reports }: Pick<RegionReport, "reports">, now: number): void {
    applyReports(memory.state, reports, now);
    for (const { event, ticket } of reports.events) {
      if (event === "withdrawn") memory.withdraw(ticket, now);
    }
    memory.sweep(now);
    this.#wake();
  }

  #changed(memory: RegionMemory, region: string): void {
    memory.changed();
    this.#options.push?.touched(region, () => snapshotOf(memory.state, this.#clock.now()));
  }

  /** One timer is enough for all claims: whoever finds nothing sets the next. */
  #wakeBy(at: number, now: number): void {
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    const woken = this.#clock.wait(Math.max(1, at - now)).then(() => {
      if (this.#wakeAt === at) this.#wakeAt = Infinity;
      this.#wake();
    });
    this.ctx.waitUntil(woken);
  }

  /** Lets held claims look again: something may have become free. */
  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}

export type RegionOptions = {
  readonly fleet: Fleet;
  readonly clock: Clock;
  /** Who is told of changes; nobody when absent. */
  readonly push?: SnapshotPush;
  /** Whether engines of a dialect can pull a prefix from others of it; none can when absent. */
  readonly pulls?: (dialect: string) => boolean;
};

const CLAIM_HELD_MS = 5000;
const SNAPSHOT_YOUNG_MS = 1000;
const unknownVersion = { ok: false, v: 1, code: "unknown_version" } as const;
const unknownTicket = { ok: false, v: 1, code: "unknown_ticket" } as const;

function emptyState({ fleet, pulls }: RegionOptions, shard: string): RegionState {
  const pools = [...fleet.pools.values()].filter(({ id }) => shardOf(fleet, id) === shard);
  const speeds = speedsOf(fleet);
  const state = createRegionState(
    pools,
    speeds,
    pulls && pullLinksOf(fleet, pulls),
    handedAgainOf(fleet, speeds),
  );
  // Tickets minted here before a loss of memory must not meet those of after.
  state.nextTicket = Math.floor(Math.random() * 2 ** 40);
  return state;
}
