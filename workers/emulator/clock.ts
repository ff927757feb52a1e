import type { SimEngine } from "../../src/sim/engine.ts";
import type { SimEvent } from "../../src/sim/events.ts";

/** Runs a simulated engine against the wall clock, `factor` real milliseconds to one of its own. */
export class Clock {
  readonly #engine: SimEngine;
  readonly #factor: number;
  readonly #listeners = new Map<string, Listener>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isTelling = false;
  #isDue = false;

  constructor(engine: SimEngine, factor: number) {
    this.#engine = engine;
    this.#factor = factor;
  }

  /** The engine's time now, in its own milliseconds. */
  now(): number {
    return Date.now() / this.#factor;
  }

  /** Does something `ms` of the engine's time from now, unless what it returns is called before. */
  after(ms: number, action: () => void): () => void {
    const timer = setTimeout(action, ms * this.#factor);
    return () => clearTimeout(timer);
  }

  listen(id: string, listener: Listener): void {
    this.#listeners.set(id, listener);
  }

  /** Brings the engine up to now, tells listeners what happened and sets the timer for what comes next. */
  catchUp(): void {
    // A listener that aborts or submits comes back here: its events wait till all of ours are told.
    this.#isDue = true;
    if (this.#isTelling) return;
    this.#isTelling = true;
    while (this.#isDue) {
      this.#isDue = false;
      this.#tell();
    }
    this.#isTelling = false;
    clearTimeout(this.#timer);
    const next = this.#engine.nextEventAt();
    if (next === undefined) return;
    const waitMs = Math.max(1, Math.ceil((next - this.now()) * this.#factor));
    this.#timer = setTimeout(() => this.catchUp(), waitMs);
  }

  #tell(): void {
    const byId = Map.groupBy(this.#engine.advance(this.now()), ({ id }) => id);
    for (const [id, events] of byId) {
      const listener = this.#listeners.get(id);
      if (events.some(({ kind }) => ENDS.has(kind))) this.#listeners.delete(id);
      try {
        listener?.(events);
      } catch (error) {
        // One request's broken connection is not the others' business.
        console.error(error);
      }
    }
  }
}

/** Gets everything that happened to one request since it was last told. */
export type Listener = (events: readonly SimEvent[]) => void;

const ENDS: ReadonlySet<SimEvent["kind"]> = new Set(["done", "aborted", "failed"]);
