import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../core/clock.ts";
import type { Fleet } from "../core/fleet.ts";
import { createRegionState, type RegionState } from "../core/grant/region-state.ts";
import { lapse } from "../core/grant/report.ts";
import { claim, reserve } from "../core/grant/reserve.ts";
import { speedsOf } from "../core/plan/speeds.ts";
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
import { applyReports, type Books, relativeTo, snapshotOf } from "./region-answers.ts";

/**
 * The engines of one region: who was granted which, and who waits. All of it is in memory and lost with it: callers
 * then tell which legs run, and what sessions hold is learned again from what they ask.
 */
export class Region<Env = unknown> extends DurableObject<Env> implements RegionCalls {
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #memory = crypto.randomUUID();
  #known: Books | undefined;
  #lapsedAt = 0;
  #wakeAt = Infinity;
  #change = Promise.withResolvers<void>();

  constructor(ctx: DurableObjectState, env: Env, { fleet, clock }: RegionOptions) {
    super(ctx, env);
    this.#fleet = fleet;
    this.#clock = clock;
  }

  reserve(message: RegionReserve): RegionReserveReply {
    if (message.v !== REGION_MESSAGES_VERSION) return unknownVersion;
    const now = this.#clock.now();
    const books = this.#booksOf(message.region);
    const { state } = books;
    const { wanted, standing, reports, snapshotAgeMs } = message;
    const { tenant, priority, deadlineInMs } = standing;
    this.#enter(books, reports, now);
    const deadlineAt = now + deadlineInMs;
    const answer = reserve(state, wanted, { tenant, priority, deadlineAt }, now, Math.random);
    return {
      ok: true,
      v: 1,
      answer: relativeTo(now, answer),
      tookMs: this.#clock.now() - now,
      memory: this.#memory,
      ...(snapshotAgeMs > SNAPSHOT_YOUNG_MS && { snapshot: snapshotOf(state, now) }),
    };
  }

  /** Held until the leg may go, 5 s at most. */
  async claim({ v, region, pool: poolId, ticket }: RegionClaim): Promise<RegionClaimReply> {
    if (v !== REGION_MESSAGES_VERSION) return unknownVersion;
    const { state } = this.#booksOf(region);
    const pool = state.pools.get(poolId);
    const waiting = pool?.queue.find((one) => one.ticket === ticket);
    const until = this.#clock.now() + CLAIM_HELD_MS;
    for (let isFirst = true; ; isFirst = false) {
      const now = this.#clock.now();
      this.#lapse(state, now);
      if (!pool || !waiting || !pool.queue.includes(waiting)) return unknownTicket;
      const mayGo = waiting.granted !== undefined || now >= pool.drainAt;
      if (isFirst || mayGo || now >= until) {
        const answer = claim(state, poolId, ticket, now, Math.random);
        if (answer.kind !== "queued" || now >= until) {
          return { ok: true, v: 1, answer: relativeTo(now, answer) };
        }
      }
      this.#wakeBy(Math.min(pool.drainAt, until), now);
      await this.#change.promise;
    }
  }

  report({ v, region, reports }: RegionReport): RegionReportReply {
    if (v !== REGION_MESSAGES_VERSION) return unknownVersion;
    this.#enter(this.#booksOf(region), reports, this.#clock.now());
    return { ok: true, v: 1, memory: this.#memory };
  }

  #booksOf(region: string): Books {
    this.#known ??= { state: emptyState(this.#fleet, region), aliases: new Map() };
    return this.#known;
  }

  #enter(books: Books, reports: RegionReport["reports"], now: number): void {
    applyReports(books, reports, now);
    this.#lapse(books.state, now);
    this.#wake();
  }

  #lapse(state: RegionState, now: number): void {
    if (now - this.#lapsedAt < LAPSE_EVERY_MS) return;
    this.#lapsedAt = now;
    if (lapse(state, now) > 0) this.#wake();
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

export type RegionOptions = { readonly fleet: Fleet; readonly clock: Clock };

const CLAIM_HELD_MS = 5000;
const SNAPSHOT_YOUNG_MS = 1000;
const LAPSE_EVERY_MS = 1000;
const unknownVersion = { ok: false, v: 1, code: "unknown_version" } as const;
const unknownTicket = { ok: false, v: 1, code: "unknown_ticket" } as const;

function emptyState(fleet: Fleet, region: string): RegionState {
  const pools = [...fleet.pools.values()].filter((pool) => pool.region === region);
  const state = createRegionState(pools, speedsOf(fleet));
  // Reports of grants from before a loss of memory must not meet those of after.
  state.nextTicket = Math.floor(Math.random() * 2 ** 40);
  return state;
}
