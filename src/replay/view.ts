import type { FleetEngine } from "./fleet-engine.ts";
import type { EngineSetup } from "./fleet-setup.ts";
import { Gauges, IDLE, SAMPLE, sampleGauges } from "./gauges.ts";
import { heldPrefix } from "./held-prefix.ts";
import { IntTable } from "./int-table.ts";
import { matchable } from "./lru-model.ts";
import type { ReplayRequest } from "./policy.ts";
import { TimedRing } from "./timed-ring.ts";

/**
 * The fleet as edges see it: as it is when `ageMs` is 0, else exactly as it was `ageMs` ago, gauges and prefix caches.
 * What changes is kept until it has become old enough to be seen.
 */
export class LaggedView {
  readonly engines: readonly Gauges[];
  readonly ageMs: number;
  readonly #blockTokens: number;
  readonly #truth: () => readonly FleetEngine[];
  readonly #now: () => number;
  readonly #samples: Float64Array;
  readonly #coming: TimedRing;
  readonly #held: readonly IntTable[];
  readonly #blocksComing: TimedRing;
  readonly #one = new Float64Array(SAMPLE + 1);

  constructor(given: {
    readonly setups: readonly EngineSetup[];
    readonly ageMs: number;
    readonly blockTokens: number;
    readonly truth: () => readonly FleetEngine[];
    readonly now: () => number;
  }) {
    this.engines = given.setups.map((setup, engine) => new Gauges(engine, setup));
    this.ageMs = given.ageMs;
    this.#blockTokens = given.blockTokens;
    this.#truth = given.truth;
    this.#now = given.now;
    this.#samples = new Float64Array(given.setups.length * SAMPLE);
    for (let i = 0; i < given.setups.length; i++) this.#samples.set(IDLE, i * SAMPLE);
    this.#coming = new TimedRing(SAMPLE + 1);
    this.#held = given.ageMs > 0 ? given.setups.map(() => new IntTable()) : [];
    this.#blocksComing = new TimedRing(2);
  }

  /** An engine's gauges changed. */
  changed(engine: number): void {
    if (this.ageMs === 0) return;
    const of = this.#truth()[engine];
    if (of === undefined) return;
    sampleGauges(of, this.#blockTokens, this.#one, 1);
    this.#one[0] = engine;
    this.#coming.push(this.#now(), this.#one);
  }

  /** A block entered or left an engine's cache. */
  blockChanged(engine: number, block: number, isHeld: boolean): void {
    if (this.ageMs === 0) return;
    this.#one[0] = engine;
    this.#one[1] = isHeld ? block : -1 - block;
    // Where nobody looks into the caches, what may be seen is taken out when there is no more room for what comes.
    if (this.#blocksComing.isFull) this.#learnBlocks();
    this.#blocksComing.push(this.#now(), this.#one);
  }

  /** Brings everything up to what may be seen now. */
  refresh(): void {
    const seenAt = this.#now() - this.ageMs;
    if (this.ageMs > 0) this.#catchUp(seenAt);
    for (let engine = 0; engine < this.engines.length; engine++) {
      const gauges = this.engines[engine] as Gauges;
      if (this.ageMs === 0) {
        const of = this.#truth()[engine] as FleetEngine;
        sampleGauges(of, this.#blockTokens, this.#samples, engine * SAMPLE);
      }
      gauges.read(this.#samples, engine * SAMPLE, seenAt);
    }
  }

  matchTokens(engine: number, request: ReplayRequest): number {
    if (this.ageMs === 0) {
      return this.#truth()[engine]?.matchTokens(request.promptTokens, request.blocks) ?? 0;
    }
    const table = this.#held[engine];
    if (table === undefined) return 0;
    this.#learnBlocks();
    const { blocks } = request;
    return heldPrefix(table, blocks, matchable(request, this.#blockTokens)) * this.#blockTokens;
  }

  #catchUp(seenAt: number): void {
    for (let at = this.#coming.takeUntil(seenAt); at >= 0; at = this.#coming.takeUntil(seenAt)) {
      const engine = this.#coming.values[at] as number;
      for (let i = 0; i < SAMPLE; i++) {
        this.#samples[engine * SAMPLE + i] = this.#coming.values[at + 1 + i] as number;
      }
    }
  }

  #learnBlocks(): void {
    const seenAt = this.#now() - this.ageMs;
    const blocks = this.#blocksComing;
    for (let at = blocks.takeUntil(seenAt); at >= 0; at = blocks.takeUntil(seenAt)) {
      const table = this.#held[blocks.values[at] as number];
      const block = blocks.values[at + 1] as number;
      if (block >= 0) table?.set(block, 1);
      else table?.delete(-1 - block);
    }
  }
}
