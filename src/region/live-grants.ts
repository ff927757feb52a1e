import type { Clock } from "../core/clock.ts";
import type { GrantAsk } from "../core/grant/grant.ts";
import type { RegionEvent, RegionRunning } from "../rpc/region-messages.ts";

/** A grant that this isolate uses. */
export type LiveGrant = {
  readonly ticket: string;
  readonly region: string;
  readonly engine: string;
  readonly wanted: GrantAsk;
  /** The memory of its region that knows of it; another one has to be told. */
  memory: string | undefined;
  /** Its region began it with the grant. */
  readonly ranAhead: boolean;
  /** Epoch ms by this isolate. */
  readonly grantedAt: number;
  /** When the request that uses it last gave a sign, epoch ms. */
  seenAt: number;
  firstTokenAt: number | undefined;
  /** What its engine told, and its region has yet to hear. */
  told: RegionEvent["told"];
  readonly ended: PromiseWithResolvers<void>;
};

/** The grants that requests of this isolate hold, when they were last renewed, and which their regions know. */
export class LiveGrants {
  readonly #clock: Clock;
  readonly #grants = new Map<string, LiveGrant>();
  readonly #renewedAt = new Map<string, number>();
  readonly #memories = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(
    grant: Omit<LiveGrant, "grantedAt" | "seenAt" | "firstTokenAt" | "told" | "ended">,
  ): LiveGrant {
    const now = this.#clock.now();
    const ended = Promise.withResolvers<void>();
    const sofar = { firstTokenAt: undefined, told: undefined };
    const live = { ...grant, ...sofar, grantedAt: now, seenAt: now, ended };
    this.#grants.set(grant.ticket, live);
    return live;
  }

  get(ticket: string): LiveGrant | undefined {
    return this.#grants.get(ticket);
  }

  end({ ticket, ended }: LiveGrant): void {
    this.#grants.delete(ticket);
    ended.resolve();
  }

  /** Tickets of a region to be renewed now; none when that was done a moment ago. */
  toRenew(region: string): readonly string[] {
    const now = this.#clock.now();
    const dueAt = (this.#renewedAt.get(region) ?? -Infinity) + RENEW_EVERY_MS - EARLY_MS;
    if (now < dueAt) return [];
    const tickets = [];
    for (const live of this.#grants.values()) {
      // A request that the runtime ended gives no sign any more: its grant lapses.
      if (now - live.seenAt > UNSEEN_MS) this.#grants.delete(live.ticket);
      else if (live.region === region) tickets.push(live.ticket);
    }
    if (tickets.length > 0) this.#renewedAt.set(region, now);
    return tickets;
  }

  /** The memory with which a region last answered. */
  memoryOf(region: string): string | undefined {
    return this.#memories.get(region);
  }

  /** A region answered. True when there are legs that it has to be told of. */
  heard(region: string, memory: string): boolean {
    this.#memories.set(region, memory);
    return this.#unknownTo(region).length > 0;
  }

  /** Legs to tell a region of; from now on it knows them. */
  toTell(region: string): readonly RegionRunning[] {
    const now = this.#clock.now();
    return this.#unknownTo(region).map((live) => {
      live.memory = this.#memories.get(region);
      const { ticket, engine, wanted, grantedAt, firstTokenAt } = live;
      const ranMs = now - grantedAt;
      return firstTokenAt === undefined
        ? { ticket, engine, wanted, ranMs }
        : { ticket, engine, wanted, ranMs, firstTokenAfterMs: firstTokenAt - grantedAt };
    });
  }

  /** A region could not be told of these after all. */
  untold(running: readonly RegionRunning[]): void {
    for (const { ticket } of running) {
      const live = this.#grants.get(ticket);
      if (live) live.memory = undefined;
    }
  }

  #unknownTo(region: string): LiveGrant[] {
    const memory = this.#memories.get(region);
    return [...this.#grants.values()].filter(
      (live) => live.region === region && (memory === undefined || live.memory !== memory),
    );
  }

  /** Gives signs for the request of a grant until its end; `renew` is told when its region should hear of it. */
  async stay(live: LiveGrant, renew: () => Promise<void>): Promise<void> {
    for (;;) {
      await Promise.race([this.#clock.wait(RENEW_EVERY_MS), live.ended.promise]);
      if (!this.#grants.has(live.ticket)) return;
      live.seenAt = this.#clock.now();
      await renew();
    }
  }
}

export const RENEW_EVERY_MS = 5000;
/** Timers of many requests fire about the same time. */
const EARLY_MS = 500;
/** A request that gave no sign for so long was ended by the runtime, ms. */
export const UNSEEN_MS = 3 * RENEW_EVERY_MS;
