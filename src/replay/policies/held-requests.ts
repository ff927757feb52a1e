import type { PolicySetup, Refuse, ReplayRequest, Route, Send } from "../policy.ts";

/**
 * A router's own queue: requests wait while `mayGo` says no, and leave in order of `keyOf`, largest first and first
 * come first served among equals. Looks again whenever it is told to and every `recheckMs`.
 */
export class HeldRequests {
  readonly #setup: PolicySetup;
  readonly #rules: QueueRules;
  readonly #waiting: Held[] = [];
  #timed = false;
  #paused = false;

  constructor(setup: PolicySetup, rules: QueueRules) {
    this.#setup = setup;
    this.#rules = rules;
  }

  /** Requests that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Lets a request go at once if nobody waits and it may, else makes it wait. */
  enter(request: ReplayRequest): Route {
    if (this.#waiting.length === 0 && this.#rules.mayGo(request)) return this.#rules.route(request);
    const held = { request, key: this.#rules.keyOf(request) };
    this.#waiting.splice(this.#place(held.key), 0, held);
    this.#wait();
    return { kind: "hold" };
  }

  /** Lets go whoever may by now. */
  look(): void {
    const { mayGo, route, paceMs = 0 } = this.#rules;
    if (this.#paused) return;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (!mayGo(first.request)) return;
      this.#waiting.shift();
      this.#setup.dispatch(first.request, route(first.request));
      if (paceMs > 0) return this.#pause(paceMs);
    }
  }

  #pause(ms: number): void {
    this.#paused = true;
    this.#setup.after(ms, () => {
      this.#paused = false;
      this.look();
    });
  }

  #place(key: number): number {
    let [from, to] = [0, this.#waiting.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#waiting[middle]?.key ?? 0) >= key) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #wait(): void {
    if (this.#timed) return;
    this.#timed = true;
    this.#setup.after(this.#rules.recheckMs, () => {
      this.#timed = false;
      this.look();
      if (this.#waiting.length > 0) this.#wait();
    });
  }
}

export type QueueRules = {
  mayGo(request: ReplayRequest): boolean;
  keyOf(request: ReplayRequest): number;
  route(request: ReplayRequest): Send | Refuse;
  readonly recheckMs: number;
  /** Time between two requests let go from the queue, ms; none unless told. */
  readonly paceMs?: number;
};

type Held = { readonly request: ReplayRequest; readonly key: number };
