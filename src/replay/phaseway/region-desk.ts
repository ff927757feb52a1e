import type { GrantAsk, Granted } from "../../core/grant/grant.ts";
import type { Standing } from "../../core/grant/queue.ts";
import { claim, letGo, reserve, type Reserved } from "../../core/grant/reserve.ts";
import type { RegionState } from "../../core/grant/region-state.ts";
import type { PolicySetup } from "../policy.ts";

/** What a caller hears in the end: an engine, or nothing. */
type Answer = (granted: Granted | undefined) => void;

/** The Region object of a replay: answers asks, holds the claims of those that wait, and looks again when it is worth it. */
export class RegionDesk {
  readonly #setup: PolicySetup;
  readonly #state: RegionState;
  readonly #waiting = new Map<string, Answer>();
  /** Pool → when its queue is looked at next, virtual ms. */
  readonly #looksAt = new Map<string, number>();

  constructor(setup: PolicySetup, state: RegionState) {
    this.#setup = setup;
    this.#state = state;
  }

  /** Reserves an engine for one leg; the answer comes when there is one. */
  reserve(ask: GrantAsk, standing: Standing, answer: Answer): void {
    const { now, random } = this.#setup;
    const reserved = reserve(this.#state, ask, standing, now(), random);
    if (reserved.kind === "queued") {
      this.#waiting.set(reserved.ticket, answer);
      this.#keepClaiming(ask.pool, reserved.ticket);
    } else {
      this.#answer(reserved, answer);
    }
    this.look(ask.pool);
  }

  /** Something may have become free: lets go who can go now. */
  look(pool: string): void {
    const { now, random, after } = this.#setup;
    const queue = this.#state.pools.get(pool);
    if (queue === undefined || queue.queue.length === 0) return;
    for (const { ticket, granted } of letGo(this.#state, pool, now(), random)) {
      const answer = this.#waiting.get(ticket);
      this.#waiting.delete(ticket);
      answer?.(granted);
    }
    const { drainAt } = queue;
    if (queue.queue.length === 0) return;
    const planned = this.#looksAt.get(pool) ?? Infinity;
    if (planned > now() && planned <= drainAt) return;
    this.#looksAt.set(pool, drainAt);
    after(Math.max(0, drainAt - now()), () => {
      if (this.#looksAt.get(pool) === drainAt) this.#looksAt.delete(pool);
      this.look(pool);
    });
  }

  /** Whoever waits claims again before the place is given up. */
  #keepClaiming(pool: string, ticket: string): void {
    const { now, random, after } = this.#setup;
    after(CLAIM_EVERY_MS, () => {
      const answer = this.#waiting.get(ticket);
      if (answer === undefined) return;
      const claimed = claim(this.#state, pool, ticket, now(), random);
      if (claimed.kind === "queued") return this.#keepClaiming(pool, ticket);
      this.#waiting.delete(ticket);
      this.#answer(claimed, answer);
    });
  }

  #answer(reserved: Reserved, answer: Answer): void {
    answer(reserved.kind === "granted" ? reserved.grant : undefined);
  }
}

const CLAIM_EVERY_MS = 5000;
