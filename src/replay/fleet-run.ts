import type { EventHeap } from "./event-heap.ts";
import { FLOW, HAND, ITERATION, MOVED } from "./event-kinds.ts";
import type { EngineListener, Lost } from "./engine-listener.ts";
import { FleetEngine } from "./fleet-engine.ts";
import type { FleetSetup } from "./fleet-setup.ts";
import { FleetLeg } from "./leg.ts";
import { Network } from "./network.ts";
import type { Send } from "./policy.ts";
import type { LaggedView } from "./view.ts";
import { blocksOf, type Workload } from "./workload.ts";

/** What the engines make of what is sent to them. */
export type FleetListener = {
  /** A leg said its first token; prefill legs are not told of. */
  firstToken(leg: FleetLeg): void;
  done(leg: FleetLeg): void;
  failed(leg: FleetLeg, reason: "too-long" | "restarted"): void;
};

/** The engines of a run and what moves between them. */
export class FleetRun {
  readonly engines: readonly FleetEngine[];
  readonly network: Network;
  readonly #workload: Workload;
  readonly #fleet: FleetSetup;
  readonly #costFactor: Float64Array;
  readonly #events: EventHeap;
  readonly #view: LaggedView;
  readonly #listener: FleetListener;
  readonly #now: () => number;
  readonly #legs: (FleetLeg | undefined)[] = [];
  /** Prefill leg whose blocks a decode leg fetches. */
  readonly #feeders = new Map<FleetLeg, FleetLeg>();
  /** Told of every stretch in which an engine was busy, when it is over. */
  onBusy: ((engine: number, fromMs: number, toMs: number) => void) | undefined;
  /** What restarts took so far. */
  lost: Lost = { legs: 0, cachedTokens: 0 };
  #transferStamp = 0;

  constructor(given: {
    readonly workload: Workload;
    readonly fleet: FleetSetup;
    readonly costFactor: Float64Array;
    readonly events: EventHeap;
    readonly view: LaggedView;
    readonly listener: FleetListener;
    readonly now: () => number;
  }) {
    this.#workload = given.workload;
    this.#fleet = given.fleet;
    this.#costFactor = given.costFactor;
    this.#events = given.events;
    this.#view = given.view;
    this.#listener = given.listener;
    this.#now = given.now;
    this.network = new Network(given.fleet);
    this.engines = given.fleet.engines.map((setup, engine) => {
      const watcher = (block: number, isHeld: boolean): void =>
        given.view.blockChanged(engine, block, isHeld);
      const watch = given.view.ageMs > 0 ? watcher : undefined;
      return new FleetEngine(
        setup,
        given.workload.blockTokens,
        this.#engineListener(engine),
        watch,
      );
    });
  }

  /** A request reaches the first of its engines. */
  deliver(request: number, route: Send): void {
    const first = route.prefill ?? route.engine;
    const kind = first === route.engine ? "both" : "prefill";
    const from = route.pull?.from ?? -1;
    const prompt = this.#workload.promptTokens[request] as number;
    const held = this.engines[from]?.matchTokens(prompt, blocksOf(this.#workload, request)) ?? 0;
    const tokens = Math.min(held, route.pull?.tokens ?? 0);
    const canPull = tokens > 0 && this.network.setupMs(from, first) !== undefined;
    this.#submit(this.#leg(request, kind, first, canPull ? from : -1, tokens));
  }

  /** A prefilled request reaches the engine that decodes it, and fetches its KV cache. */
  hand(legId: number, route: Send): void {
    const prefilled = this.#legs[legId];
    if (!prefilled) return;
    const { request, promptTokens } = prefilled;
    const isHeld = this.engines[prefilled.engine]?.holds(prefilled) === true;
    const from = isHeld ? prefilled.engine : -1;
    const leg = this.#leg(request, "decode", route.engine, from, promptTokens);
    this.#feeders.set(leg, prefilled);
    this.#submit(leg);
  }

  /** Request that a leg belongs to; -1 when the leg is over. */
  requestOf(legId: number): number {
    return this.#legs[legId]?.request ?? -1;
  }

  iterationOver(engine: number, stamp: number): void {
    const before = this.engines[engine]?.busyMs ?? 0;
    if (!this.engines[engine]?.iterationOver(stamp, this.#now())) return;
    this.#wasBusy(engine, before);
    this.#view.changed(engine);
  }

  /** The bytes that a leg waits for begin to flow. */
  flow(legId: number): void {
    const leg = this.#legs[legId];
    if (!leg || leg.phase === "over") return;
    this.network.begin(legId, leg.pullFrom, leg.engine, leg.pulledTokens, this.#now());
    this.#awaitTransfers();
  }

  moved(stamp: number): void {
    if (stamp !== this.#transferStamp) return;
    for (const legId of this.network.transfers.ended(this.#now())) {
      const leg = this.#legs[legId];
      if (!leg) continue;
      this.#freeFeeder(leg);
      this.engines[leg.engine]?.loaded(leg, this.#now());
      this.#view.changed(leg.engine);
    }
    this.#awaitTransfers();
  }

  restart(engine: number): void {
    const before = this.engines[engine]?.busyMs ?? 0;
    const more = this.engines[engine]?.restart(this.#now());
    if (more === undefined) throw new RangeError(`there is no engine ${engine} to restart`);
    const { legs, cachedTokens } = this.lost;
    this.lost = { legs: legs + more.legs, cachedTokens: cachedTokens + more.cachedTokens };
    this.#wasBusy(engine, before);
    this.#view.changed(engine);
  }

  #wasBusy(engine: number, before: number): void {
    const ms = (this.engines[engine]?.busyMs ?? 0) - before;
    if (ms > 0) this.onBusy?.(engine, this.#now() - ms, this.#now());
  }

  #submit(leg: FleetLeg): void {
    this.engines[leg.engine]?.submit(leg, this.#now());
    this.#view.changed(leg.engine);
  }

  #leg(
    request: number,
    kind: FleetLeg["kind"],
    engine: number,
    pullFrom: number,
    pullTokens: number,
  ): FleetLeg {
    const decodesHere = kind !== "prefill" && this.#fleet.engines[engine]?.decodes === true;
    const leg = new FleetLeg({
      id: this.#legs.length,
      request,
      kind,
      engine,
      promptTokens: this.#workload.promptTokens[request] as number,
      outputTokens: decodesHere ? (this.#workload.outputTokens[request] as number) : 1,
      blocks: blocksOf(this.#workload, request),
      costFactor: this.#costFactor[request] as number,
      pullFrom,
      pullTokens,
    });
    this.#legs.push(leg);
    return leg;
  }

  #engineListener(engine: number): EngineListener {
    return {
      wakeAt: (atMs, stamp) => this.#events.push(atMs, ITERATION, engine, stamp),
      fetch: (leg) => {
        const setupMs = this.network.setupMs(leg.pullFrom, engine) ?? 0;
        this.#events.push(this.#now() + setupMs, FLOW, leg.id);
      },
      firstToken: (leg) => {
        if (leg.kind === "prefill") return;
        this.#freeFeeder(leg);
        this.#listener.firstToken(leg);
      },
      done: (leg) => this.#done(leg),
      failed: (leg, reason) => {
        this.#over(leg);
        this.#listener.failed(leg, reason);
      },
    };
  }

  /** A prefill leg is kept until it has been handed on. */
  #done(leg: FleetLeg): void {
    if (leg.kind !== "prefill") this.#over(leg);
    this.#listener.done(leg);
  }

  /** Sends a request on to the engine that decodes it. */
  passOn(leg: FleetLeg, engine: number): void {
    const from = this.#fleet.engines[leg.engine]?.region ?? "";
    const to = this.#fleet.engines[engine]?.region ?? "";
    this.#events.push(this.#now() + this.#fleet.rttMs(from, to) / 2, HAND, leg.id);
  }

  #over(leg: FleetLeg): void {
    this.#freeFeeder(leg);
    this.#legs[leg.id] = undefined;
  }

  #awaitTransfers(): void {
    const next = this.network.transfers.nextEndAt;
    if (next === Infinity) return;
    this.#events.push(Math.max(next, this.#now()), MOVED, 0, ++this.#transferStamp);
  }

  #freeFeeder(leg: FleetLeg): void {
    const feeder = this.#feeders.get(leg);
    if (!feeder) return;
    this.#feeders.delete(leg);
    this.#legs[feeder.id] = undefined;
    this.engines[feeder.engine]?.freeLeg(feeder, this.#now());
    this.#view.changed(feeder.engine);
  }
}
