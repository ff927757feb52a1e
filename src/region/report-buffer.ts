import type { Clock } from "../core/clock.ts";
import type { RegionEvent } from "../rpc/region-messages.ts";

/**
 * What an isolate has to tell its regions. It goes with the next `reserve`, or by itself when none comes within a
 * moment. What could not be told waits for the next time.
 */
export class ReportBuffer {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, RegionEvent[]>();
  /** When somebody is going to send, by region. */
  readonly #sendAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(region: string, event: RegionEvent): void {
    const events = this.#waiting.get(region) ?? [];
    this.#waiting.set(region, events);
    events.push(event);
    if (events.length > MOST_WAITING) events.shift();
  }

  /** Everything that waits, in order; it is the taker's to tell. */
  take(region: string): readonly RegionEvent[] {
    const events = this.#waiting.get(region) ?? [];
    this.#waiting.delete(region);
    return events;
  }

  /** They could not be told. */
  putBack(region: string, events: readonly RegionEvent[]): void {
    const all = [...events, ...(this.#waiting.get(region) ?? [])];
    if (all.length > 0) this.#waiting.set(region, all.slice(-MOST_WAITING));
  }

  /** Sends in a moment what nobody else has taken until then. */
  async sendLater(region: string, send: () => Promise<void>): Promise<void> {
    const now = this.#clock.now();
    // Whoever was to send may have been ended by the runtime before.
    if ((this.#sendAt.get(region) ?? -Infinity) > now - LATE_MS) return;
    this.#sendAt.set(region, now + SEND_AFTER_MS);
    await this.#clock.wait(SEND_AFTER_MS);
    this.#sendAt.delete(region);
    if (this.#waiting.has(region)) await send();
  }
}

const SEND_AFTER_MS = 100;
const LATE_MS = 1000;
const MOST_WAITING = 1000;
