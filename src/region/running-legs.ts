import type { Clock } from "../core/clock.ts";
import { RENEW_EVERY_MS, UNSEEN_MS } from "./live-grants.ts";

type Leg = { seenAt: number; readonly ended: PromiseWithResolvers<void> };

/** Legs that requests of this isolate run. One whose request the runtime ended is not among them for long. */
export class RunningLegs {
  readonly #clock: Clock;
  readonly #legs = new Map<string, Leg>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(ticket: string): void {
    const leg = { seenAt: this.#clock.now(), ended: Promise.withResolvers<void>() };
    this.#legs.set(ticket, leg);
    void this.#stay(ticket, leg);
  }

  end(ticket: string): void {
    this.#legs.get(ticket)?.ended.resolve();
    this.#legs.delete(ticket);
  }

  /** The tickets of those that gave a sign lately. */
  alive(): readonly string[] {
    const now = this.#clock.now();
    for (const [ticket, { seenAt }] of this.#legs) {
      if (now - seenAt > UNSEEN_MS) this.#legs.delete(ticket);
    }
    return [...this.#legs.keys()];
  }

  /** Timers end with the request that set them. */
  async #stay(ticket: string, leg: Leg): Promise<void> {
    for (;;) {
      await Promise.race([this.#clock.wait(RENEW_EVERY_MS), leg.ended.promise]);
      if (this.#legs.get(ticket) !== leg) return;
      leg.seenAt = this.#clock.now();
    }
  }
}
