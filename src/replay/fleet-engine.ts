import type { EngineSetup } from "./fleet-setup.ts";
import { FastBlockCache, type CacheWatcher } from "./block-cache.ts";
import type { EngineListener, Lost } from "./engine-listener.ts";
import { DecodeBatch } from "./decode-batch.ts";
import type { FleetLeg } from "./leg.ts";
import { QueuedWork } from "./queued-work.ts";
import { WaitingLine } from "./waiting-line.ts";

/**
 * An engine as `sim/engine.ts` has it, without text and tokens: iterations of one decode step for every running request
 * and a chunk of prompt, prefix cache, KV cache reserved from beginning to end. Iterations without prompts are taken
 * in one stretch up to the next end or arrival. Prompts look into the cache when their turn comes, as vLLM's do.
 */
export class FleetEngine {
  readonly setup: EngineSetup;
  readonly batch = new DecodeBatch();
  readonly cache: FastBlockCache;
  readonly #blockTokens: number;
  readonly #listener: EngineListener;
  readonly #waiting = new WaitingLine();
  readonly #prefilling: FleetLeg[] = [];
  readonly #parked = new Set<FleetLeg>();
  #reserved = 0;
  #iterating: "no" | "chunks" | "stretch" = "no";
  #startedAt = 0;
  #endsAt = 0;
  #steps = 0;
  #chunks = 0;
  #stamp = 0;
  #generation = 0;
  busyMs = 0;
  prefillMs = 0;
  readonly queued = new QueuedWork();

  constructor(
    setup: EngineSetup,
    blockTokens: number,
    listener: EngineListener,
    watcher?: CacheWatcher,
  ) {
    this.setup = setup;
    this.#blockTokens = blockTokens;
    this.#listener = listener;
    this.cache = new FastBlockCache(Math.floor(setup.kvTokens / blockTokens), watcher);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.batch.size + this.#prefilling.length + this.#parked.size;
  }

  /** When the prompts of the running iteration will be done; the past when there are none. */
  get chunksUntil(): number {
    return this.#iterating === "chunks" ? this.#endsAt : -Infinity;
  }

  /** Prompt tokens of a request that are cached here; the last one never counts. */
  matchTokens(promptTokens: number, blocks: Int32Array): number {
    const most = Math.floor((promptTokens - 1) / this.#blockTokens);
    return this.cache.match(blocks, most) * this.#blockTokens;
  }

  /** Takes a leg; one that can never fit fails at once. */
  submit(leg: FleetLeg, nowMs: number): void {
    leg.needBlocks = Math.ceil((leg.promptTokens + leg.outputTokens) / this.#blockTokens);
    if (leg.needBlocks > this.cache.capacity) {
      leg.phase = "over";
      return this.#listener.failed(leg, "too-long", nowMs);
    }
    const fetched = leg.pullFrom < 0 ? 0 : Math.min(leg.pullTokens, leg.promptTokens - 1);
    this.#estimate(leg, Math.max(fetched, this.matchTokens(leg.promptTokens, leg.blocks)));
    this.#waiting.push(leg);
    // What has to be fetched comes while the leg waits for its turn.
    if (leg.pullFrom >= 0 && this.#hasSlot()) this.#reserve(leg);
    // Behind one who finds no room there is nothing to begin.
    if (this.#waiting.size === 1 || leg.phase === "reserved") this.#stir(nowMs);
  }

  /** What `leg` was waiting for has come. */
  loaded(leg: FleetLeg, nowMs: number): void {
    if (leg.phase === "over") return;
    leg.isLoading = false;
    this.#name(leg);
    if (leg.isParked) {
      leg.isParked = false;
      this.#parked.delete(leg);
      leg.phase = "prefill";
      this.#prefilling.push(leg);
    }
    this.#stir(nowMs);
  }

  /** The iteration that `wakeAt` was told of with this stamp is over; false when it was cut short since. */
  iterationOver(stamp: number, nowMs: number): boolean {
    if (stamp !== this.#stamp || this.#iterating === "no") return false;
    this.busyMs += nowMs - this.#startedAt;
    if (this.batch.size > 0) this.batch.advance(this.#steps);
    let leg: FleetLeg | undefined;
    while ((leg = this.batch.takeEnded())) this.#leave(leg, nowMs);
    const chunks = this.#chunks;
    this.#iterating = "no";
    this.#chunks = 0;
    if (chunks > 0) this.#finishChunks(chunks, nowMs);
    this.#begin(nowMs);
    return true;
  }

  /** The process died and came back: everything in it is gone. Returns how much that was. */
  restart(nowMs: number): Lost {
    if (this.#iterating !== "no") this.busyMs += nowMs - this.#startedAt;
    this.#iterating = "no";
    this.#stamp++;
    this.#chunks = 0;
    const lost = [
      ...this.batch.clear(),
      ...this.#prefilling.splice(0),
      ...this.#parked,
      ...this.#waiting.clear(),
    ];
    this.#parked.clear();
    this.#generation++;
    this.#reserved = 0;
    this.queued.clear();
    const cachedTokens = this.cache.named * this.#blockTokens;
    this.cache.clear();
    for (const leg of lost) {
      leg.phase = "over";
      this.#listener.failed(leg, "restarted", nowMs);
    }
    return { legs: lost.length, cachedTokens };
  }

  /** Gives the blocks of a finished prefill leg back, once they were fetched. */
  freeLeg(leg: FleetLeg, nowMs: number): void {
    if (!this.holds(leg)) return;
    this.#release(leg);
    this.#stir(nowMs);
  }

  /** Whether a finished prefill leg's blocks survived so far. */
  holds(leg: FleetLeg): boolean {
    return leg.generation === this.#generation;
  }

  #release(leg: FleetLeg): void {
    this.cache.release(leg.blocks, leg.named, leg.needBlocks - leg.named);
  }

  #hasSlot(): boolean {
    return this.running + this.#reserved < this.setup.maxBatch;
  }

  /** Something changed: starts an iteration, or ends a stretch after the step it is in. */
  #stir(nowMs: number): void {
    if (this.#iterating === "no") return this.#begin(nowMs);
    if (this.#iterating === "chunks" || !(this.#prefilling.length > 0 || this.#hasSlot())) return;
    const { speed } = this.setup;
    const steps = this.batch.stepUnderWay(speed, nowMs - this.#startedAt, this.#steps);
    if (steps === this.#steps) return;
    this.#steps = steps;
    this.#wake(this.#startedAt + this.batch.stretchMs(speed, steps));
  }

  #wake(atMs: number): void {
    this.#endsAt = atMs;
    this.#listener.wakeAt(atMs, ++this.#stamp);
  }

  #begin(nowMs: number): void {
    const decoding = this.batch.size;
    let budget = Math.max(1, this.setup.chunkTokens - decoding);
    let ms = 0;
    const { promptsPerIteration } = this.setup;
    for (const leg of this.#prefilling) {
      if (budget <= 0 || this.#chunks >= promptsPerIteration) break;
      ms += this.#chunk(leg, budget);
      budget -= leg.chunkTo - leg.done;
    }
    while (budget > 0 && this.#chunks < promptsPerIteration) {
      const leg = this.#admit();
      if (!leg) break;
      ms += this.#chunk(leg, budget);
      budget -= leg.chunkTo - leg.done;
    }
    this.#startedAt = nowMs;
    this.#steps = 1;
    if (this.#chunks > 0) {
      this.#iterating = "chunks";
      this.prefillMs += ms;
      this.#wake(nowMs + ms + (decoding > 0 ? this.batch.stretchMs(this.setup.speed, 1) : 0));
    } else if (decoding > 0) {
      this.#iterating = "stretch";
      this.#steps = this.batch.stepsToNextEnd;
      this.#wake(nowMs + this.batch.stretchMs(this.setup.speed, this.#steps));
    }
  }

  /** Enters the next chunk of a prompt in the iteration; a chunk costs what it adds. */
  #chunk(leg: FleetLeg, budget: number): number {
    const { speed } = this.setup;
    leg.chunkTo = Math.min(leg.promptTokens, leg.done + budget);
    this.#chunks++;
    const whole = speed.prefillMs(leg.promptTokens, leg.startedAt);
    const before = speed.prefillMs(leg.done, leg.startedAt);
    const after = speed.prefillMs(leg.chunkTo, leg.startedAt);
    this.queued.count(leg, leg.queuedTokens, whole - after);
    return (after - before) * leg.costFactor;
  }

  #finishChunks(chunks: number, nowMs: number): void {
    let kept = 0;
    for (let i = 0; i < this.#prefilling.length; i++) {
      const leg = this.#prefilling[i] as FleetLeg;
      if (i < chunks) {
        leg.done = leg.chunkTo;
        this.#name(leg);
        this.queued.count(leg, leg.promptTokens - leg.done, leg.queuedMs);
        if (leg.done >= leg.promptTokens) {
          this.#speak(leg, nowMs);
          continue;
        }
      }
      this.#prefilling[kept++] = leg;
    }
    this.#prefilling.length = kept;
  }

  #speak(leg: FleetLeg, nowMs: number): void {
    this.queued.count(leg, 0, 0);
    this.#listener.firstToken(leg, nowMs);
    if (leg.outputTokens <= 1) return this.#leave(leg, nowMs);
    leg.phase = "decode";
    this.batch.add(leg, leg.outputTokens - 1);
  }

  /** A prefill leg's blocks stay until `freeLeg`. */
  #leave(leg: FleetLeg, nowMs: number): void {
    leg.phase = "over";
    if (leg.kind !== "prefill") this.#release(leg);
    this.#listener.done(leg, nowMs);
  }

  /** The next leg whose prompt can be computed now. */
  #admit(): FleetLeg | undefined {
    for (let head = this.#waiting.first; head; head = this.#waiting.first) {
      if (head.phase === "waiting" && !(this.#hasSlot() && this.#reserve(head))) {
        // Those who have their blocks already need not wait behind one who finds no room.
        const ready = this.#reserved > 0 ? this.#waiting.firstReserved : undefined;
        if (!ready) return undefined;
        head = ready;
      }
      this.#waiting.remove(head);
      this.#reserved--;
      if (!head.isLoading) {
        head.phase = "prefill";
        this.#prefilling.push(head);
        return head;
      }
      head.isParked = true;
      this.#parked.add(head);
    }
    return undefined;
  }

  /** Takes a leg's blocks, what is cached of it included, and begins to fetch what it wants fetched. */
  #reserve(leg: FleetLeg): boolean {
    const { promptTokens, blocks } = leg;
    const most = Math.floor((promptTokens - 1) / this.#blockTokens);
    const found = this.cache.match(blocks, most);
    if (!this.cache.take(blocks, found, leg.needBlocks - found)) return false;
    leg.phase = "reserved";
    leg.generation = this.#generation;
    this.#reserved++;
    leg.named = found;
    leg.cachedTokens = found * this.#blockTokens;
    const wanted = leg.pullFrom < 0 ? 0 : Math.min(leg.pullTokens, promptTokens - 1);
    leg.pulledTokens = Math.max(0, wanted - leg.cachedTokens);
    leg.startedAt = leg.cachedTokens + leg.pulledTokens;
    leg.done = leg.startedAt;
    this.#estimate(leg, leg.startedAt);
    leg.isLoading = leg.pulledTokens > 0;
    if (leg.isLoading) this.#listener.fetch(leg, leg.pulledTokens);
    return true;
  }

  #estimate(leg: FleetLeg, cached: number): void {
    const { promptTokens } = leg;
    this.queued.count(leg, promptTokens - cached, this.setup.speed.prefillMs(promptTokens, cached));
  }

  /** Gives names to the blocks that are full by now. */
  #name(leg: FleetLeg): void {
    const full = Math.min(leg.blocks.length, Math.floor(leg.done / this.#blockTokens));
    for (; leg.named < full; leg.named++) this.cache.name(leg.blocks[leg.named] as number);
  }
}
