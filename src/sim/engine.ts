import { transferMs } from "../core/speed.ts";
import type { BlockCache, BlockChange } from "./blocks.ts";
import { cacheOf } from "./cache-of.ts";
import { BLOCK_TOKENS, heldOf, type Held } from "./hash.ts";
import { freeLease, leaseOf, LeaseTable } from "./leases.ts";
import type { Happening, SimEvent, SimLoad, SimOptions } from "./events.ts";
import { Sequence, type Counts, type Pull, type SimRequest } from "./sequence.ts";
import { freeInStep, nextStep, type Step } from "./step.ts";

/**
 * An inference engine as a state machine in virtual milliseconds: continuous batching, chunked prefill, prefix cache
 * and leases. It has no clock: callers say what time it is and ask when something will happen next.
 */
export class SimEngine {
  readonly #options: SimOptions;
  readonly #chunkTokens: number;
  readonly #running = new Map<string, Sequence>();
  readonly #waiting = new Map<string, Sequence>();
  #cache: BlockCache;
  #leases = new LeaseTable();
  #step: Step | undefined;
  #events: SimEvent[] = [];
  #now = 0;
  #id: string;
  #kvTokens: number;
  #busyMs = 0;
  #recordsBlocks = false;
  slowFactor = 1;

  constructor(options: SimOptions) {
    this.#options = options;
    this.#id = options.engineId;
    this.#kvTokens = options.kvTokens;
    this.#chunkTokens = options.chunkTokens ?? 8192;
    this.#cache = cacheOf(this.#options, this.#kvTokens);
  }

  get engineId(): string {
    return this.#id;
  }

  get load(): SimLoad {
    return {
      running: this.#running.size,
      waiting: this.#waiting.size,
      blocks: this.#cache.capacity,
      blocksHeld: this.#cache.held,
      leasedBlocks: this.#leases.blocks,
      fetchedBlocks: this.#leases.fetchedBlocks,
      busyMs: this.#busyMs,
    };
  }

  /** Takes a request; one that can never fit fails at once. */
  submit(request: SimRequest, atMs: number): void {
    this.#run(atMs);
    const sequence = new Sequence(request);
    if (sequence.blocks > this.#cache.capacity) {
      this.#emit({ kind: "failed", reason: "too-long", id: request.id, counts: sequence.counts() });
      return;
    }
    this.#waiting.set(request.id, sequence);
    this.#begin();
  }

  /** Leading tokens of a prompt that are in one tier or another now. */
  cachedTokens(tokens: readonly number[], salt = ""): number {
    const names = heldOf(tokens).blocks.map((hash) => salt + hash);
    return this.#cache.match(names, names.length).blocks * BLOCK_TOKENS;
  }

  /** Blocks that came and went since it was last asked, in order; none before it was asked for the first time. */
  takeBlockChanges(atMs: number): BlockChange[] {
    this.#run(atMs);
    this.#recordsBlocks = true;
    this.#cache.recordChanges();
    return this.#cache.takeChanges();
  }

  /** Drops a request, frees its blocks and tells how far it got; unknown ids are ignored. */
  abort(id: string, atMs: number): Counts | undefined {
    this.#run(atMs);
    const counts = this.#drop(id, "aborted");
    this.#begin();
    return counts;
  }

  /** Tells a request that awaits it what to fetch, if anything; false when none of that id and size does. */
  resume(id: string, pull: Pull | undefined, atMs: number): boolean {
    this.#run(atMs);
    const sequence = this.#running.get(id);
    if (sequence?.readyAt !== Infinity || !sequence.resume(pull)) return false;
    this.#load(sequence, this.#pull(sequence));
    this.#begin();
    return true;
  }

  /** When `advance` will next have something to do; undefined while idle. */
  nextEventAt(): number | undefined {
    if (this.#events.length > 0) return this.#now;
    return this.#nextChangeAt();
  }

  /** Lets time pass and tells what happened in it, in order. */
  advance(toMs: number): SimEvent[] {
    this.#run(toMs);
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** A decode leg elsewhere wants the blocks under `handle`; they stay until `closeLease`. */
  openLease(handle: string, isMeant: (held: Held) => boolean, atMs: number): Held | undefined {
    this.#run(atMs);
    return this.#leases.open(handle, isMeant)?.held;
  }

  /** Whoever opened the lease will not read: it ends in its time. */
  leaveLease(handle: string, atMs: number): void {
    this.#run(atMs);
    this.#leases.leave(handle);
    this.#run(atMs);
  }

  /** The blocks under `handle` were fetched, or will not be. */
  closeLease(handle: string, atMs: number): void {
    this.#run(atMs);
    const lease = this.#leases.remove(handle);
    if (lease) freeLease(lease, this.#cache);
    this.#begin();
  }

  /** The process died and came back: everything in it is gone. `kvTokens` changes its capacity. */
  restart(engineId: string, atMs: number, kvTokens = this.#kvTokens): void {
    this.#run(atMs);
    for (const id of [...this.#running.keys(), ...this.#waiting.keys()])
      this.#drop(id, "restarted");
    this.#id = engineId;
    this.#kvTokens = kvTokens;
    this.#cache = cacheOf(this.#options, this.#kvTokens);
    if (this.#recordsBlocks) this.#cache.recordChanges();
    this.#leases = new LeaseTable();
    this.#busyMs -= this.#leftMs();
    this.#step = undefined;
  }

  #run(toMs: number): void {
    for (let next = this.#nextChangeAt(); next !== undefined && next <= toMs;) {
      this.#now = Math.max(this.#now, next);
      for (const lease of this.#leases.expire(this.#now)) freeLease(lease, this.#cache);
      if (this.#step && this.#step.endsAt <= this.#now) this.#finish(this.#step);
      this.#begin();
      next = this.#nextChangeAt();
    }
    this.#now = Math.max(this.#now, toMs);
  }

  #nextChangeAt(): number | undefined {
    const times = [this.#step?.endsAt, this.#leases.nextExpiry()];
    if (!this.#step) {
      for (const one of this.#running.values())
        if (one.phase === "loading" && one.readyAt < Infinity) times.push(one.readyAt);
    }
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Starts the next iteration unless one is running. */
  #begin(): void {
    if (this.#step) return;
    this.#admit();
    for (const sequence of this.#running.values()) {
      if (sequence.phase === "loading" && sequence.readyAt <= this.#now) this.#loaded(sequence);
    }
    this.#step = nextStep(this.#running.values(), this.#now, {
      speed: this.#options.speed,
      chunkTokens: this.#chunkTokens,
      slowFactor: this.slowFactor,
    });
    this.#busyMs += this.#leftMs();
  }

  #leftMs(): number {
    return this.#step ? this.#step.endsAt - this.#now : 0;
  }

  /**
   * Lets requests in, in order of arrival, while the batch, the blocks and the next iteration have room: whoever is let
   * in later finds what those before have computed.
   */
  #admit(): void {
    let free = freeInStep(this.#running.values(), this.#now, this.#chunkTokens);
    for (const [id, sequence] of this.#waiting) {
      if (free <= 0 || this.#running.size >= this.#options.maxBatch) return;
      const names = sequence.namesOf(sequence.prompt);
      const match = this.#cache.match(names, sequence.findable);
      const known = names.slice(0, match.blocks);
      if (!this.#cache.take(known, sequence.blocks - match.blocks)) return;
      this.#waiting.delete(id);
      this.#running.set(id, sequence);
      sequence.named = match.blocks;
      sequence.cachedTokens = match.blocks * BLOCK_TOKENS;
      sequence.phase = "loading";
      const loadMs = this.#cache.loadedAt(match, this.#now) - this.#now;
      const isTold = !sequence.request.awaitsPull;
      this.#load(sequence, isTold ? loadMs + this.#pull(sequence) : Infinity);
      this.#emit({ kind: "started", id, counts: sequence.counts() });
      if (sequence.readyAt <= this.#now) free -= sequence.size - sequence.done;
    }
  }

  #load(sequence: Sequence, loadMs: number): void {
    sequence.readyAt = this.#now + loadMs;
    sequence.startedAt = sequence.cachedTokens + sequence.pulledTokens;
    sequence.done = sequence.startedAt;
  }

  #pull(sequence: Sequence): number {
    const { pull } = sequence.request;
    if (!pull) return 0;
    const most = pull.bringsFirstToken ? sequence.size : sequence.size - 1;
    const needed = Math.min(most, pull.tokens ?? most);
    sequence.pulledTokens = Math.max(0, needed - sequence.cachedTokens);
    const pulling = [...this.#running.values()].filter(
      (other) => other.phase === "loading" && other.request.pull && other !== sequence,
    );
    const bytes = sequence.pulledTokens * this.#options.kvBytesPerToken;
    return transferMs(pull.link, bytes, pulling.length + 1);
  }

  #loaded(sequence: Sequence): void {
    sequence.phase = "prefill";
    sequence.fill(this.#cache);
    const { id, pull } = sequence.request;
    if (!pull) return;
    this.#emit({ kind: "pulled", id });
    if (pull.bringsFirstToken) this.#prefilled(sequence);
  }

  #finish(step: Step): void {
    this.#step = undefined;
    for (const sequence of step.decoding) {
      if (this.#isRunning(sequence)) this.#speak(sequence);
    }
    for (const { sequence, to } of step.chunks) {
      if (!this.#isRunning(sequence)) continue;
      sequence.done = to;
      sequence.fill(this.#cache);
      if (to === sequence.size) this.#prefilled(sequence);
    }
  }

  #prefilled(sequence: Sequence): void {
    sequence.phase = "decode";
    this.#emit({ kind: "prefilled", id: sequence.request.id, counts: sequence.counts() });
    if (sequence.output.pieces.length > 0) this.#speak(sequence);
    else this.#done(sequence);
  }

  /** One more token said: a decoding request has by then the KV cache of the one before. */
  #speak(sequence: Sequence): void {
    const { id } = sequence.request;
    const index = sequence.emitted++;
    if (index > 0) sequence.done++;
    sequence.fill(this.#cache);
    const text = sequence.output.pieces[index] ?? "";
    const { toolCall } = sequence.output;
    this.#emit({ kind: index === 0 ? "first-token" : "token", id, index, text, toolCall });
    if (sequence.emitted >= sequence.output.pieces.length) this.#done(sequence);
  }

  #done(sequence: Sequence): void {
    const { id } = sequence.request;
    this.#running.delete(id);
    const lease = leaseOf(sequence, this.#cache, this.#now);
    if (lease) this.#leases.add(lease);
    sequence.leave(this.#cache);
    this.#emit({ kind: "done", id, counts: sequence.counts(), output: sequence.output });
  }

  #drop(id: string, reason: "aborted" | "restarted"): Counts | undefined {
    const sequence = this.#running.get(id) ?? this.#waiting.get(id);
    if (!sequence) return undefined;
    this.#running.delete(id);
    this.#waiting.delete(id);
    const counts = sequence.counts();
    sequence.leave(this.#cache);
    if (reason === "aborted") this.#emit({ kind: "aborted", id, counts });
    else this.#emit({ kind: "failed", id, reason, counts });
    return counts;
  }

  #isRunning(sequence: Sequence): boolean {
    return this.#running.get(sequence.request.id) === sequence;
  }

  #emit(event: Happening): void {
    this.#events.push({ ...event, at: this.#now });
  }
}
