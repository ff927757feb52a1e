import type { Phase } from "../core/fleet.ts";
import { type Arrivals, arrivalsOf } from "./arrivals.ts";
import { PolicyDesk, type TellKind } from "./desk.ts";
import { EventHeap } from "./event-heap.ts";
import { ARRIVE, DELIVER, FLOW, HAND, ITERATION, MOVED, RESTART, TIMER } from "./event-kinds.ts";
import type { EngineSetup, FleetSetup, RunOptions } from "./fleet-setup.ts";
import { FleetRun } from "./fleet-run.ts";
import type { FleetLeg } from "./leg.ts";
import { emptyOutcomes, FAILED, FINISHED, type Outcomes, REFUSED } from "./outcomes.ts";
import type { PolicyEntry, ReplayRequest, Report, Route, Send } from "./policy.ts";
import { Turns } from "./turns.ts";
import { LaggedView } from "./view.ts";
import { blocksOf, type Workload } from "./workload.ts";

/** A request that lost its engine before its first token is routed again, this many times in all. */
const MOST_ATTEMPTS = 3;

/** A trace replayed against a fleet under one policy, in virtual time. The same seed gives the same run. */
export class Simulation {
  readonly workload: Workload;
  readonly setup: FleetSetup;
  readonly outcomes: Outcomes;
  readonly fleet: FleetRun;
  readonly arrivals: Arrivals;
  readonly #options: RunOptions;
  readonly #events = new EventHeap();
  readonly #desk: PolicyDesk;
  readonly #turns: Turns;
  readonly #requests: (ReplayRequest | undefined)[];
  readonly #sends: (Send | undefined)[];
  readonly #attempts: Uint8Array;
  readonly #timers = new Map<number, () => void>();
  #nextTimer = 0;
  #now = 0;
  /** How often a request was routed again because its engine restarted. */
  rerouted = 0;

  constructor(workload: Workload, setup: FleetSetup, entry: PolicyEntry, options: RunOptions) {
    this.workload = workload;
    this.setup = setup;
    this.#options = options;
    this.outcomes = emptyOutcomes(workload.count);
    this.arrivals = arrivalsOf(workload, setup, options);
    this.#turns = new Turns(workload);
    this.#requests = Array.from({ length: workload.count });
    this.#sends = Array.from({ length: workload.count });
    this.#attempts = new Uint8Array(workload.count);
    const { blockTokens } = workload;
    const now = (): number => this.#now;
    const truth = () => this.fleet.engines;
    const ageMs = options.staleMs;
    const view = new LaggedView({ setups: setup.engines, ageMs, blockTokens, truth, now });
    this.fleet = new FleetRun({
      workload,
      fleet: setup,
      costFactor: this.arrivals.costFactor,
      events: this.#events,
      view,
      now,
      listener: {
        firstToken: (leg) => this.#firstToken(leg),
        done: (leg) => this.#done(leg),
        failed: (leg, reason) => this.#failed(leg, reason),
      },
    });
    this.#desk = new PolicyDesk({
      entry,
      setup,
      options,
      view,
      arrivals: this.arrivals,
      network: this.fleet.network,
      blockTokens,
      now,
      dispatch: (request, route) => this.#obey(request, route),
      after: (delayMs, run) => this.#after(delayMs, run),
    });
  }

  /** Whether any engine restarts in this run. */
  get hasRestarts(): boolean {
    return (this.#options.restarts ?? []).length > 0;
  }

  /** Runs to the end. */
  run(): void {
    for (const [index, { atMs }] of (this.#options.restarts ?? []).entries()) {
      this.#events.push(atMs, RESTART, index);
    }
    for (;;) {
      const arrival = this.#turns.nextAt;
      // Of a burst each sees what became of those before it, where nothing is late.
      if (arrival < this.#events.nextAt) {
        this.#now = arrival;
        this.#arrive(this.#turns.take());
      } else {
        if (this.#events.size === 0) return;
        this.#now = this.#events.nextAt;
        const { kind, payload, stamp } = this.#events;
        this.#events.pop();
        this.#happen(kind, payload, stamp);
      }
    }
  }

  #happen(kind: number, payload: number, stamp: number): void {
    if (kind === ITERATION) this.fleet.iterationOver(payload, stamp);
    else if (kind === DELIVER) this.#deliver(payload);
    else if (kind === ARRIVE) this.#arrive(payload);
    else if (kind === TIMER) this.#ring(payload);
    else if (kind === MOVED) this.fleet.moved(stamp);
    else if (kind === FLOW) this.fleet.flow(payload);
    else if (kind === HAND) this.#hand(payload);
    else if (kind === RESTART) this.fleet.restart(this.#options.restarts?.[payload]?.engine ?? -1);
  }

  #arrive(index: number): void {
    const { workload } = this;
    this.outcomes.arrivedAt[index] = this.#now;
    const edge = this.arrivals.edge[index] as number;
    const request: ReplayRequest = {
      index,
      atMs: this.#now,
      edge,
      region: this.arrivals.edgeRegion[edge] ?? "",
      model: this.setup.engines[0]?.model ?? "",
      promptTokens: workload.promptTokens[index] as number,
      expectedOutputTokens: workload.expectedOutputTokens,
      blocks: blocksOf(workload, index),
      session: workload.session[index] as number,
      turn: workload.turn[index] as number,
      tenant: workload.tenant[index] as number,
      priority: workload.priority[index] as number,
    };
    this.#requests[index] = request;
    this.#route(request);
  }

  #route(request: ReplayRequest): void {
    this.#obey(request, this.#desk.at(request).route(request));
  }

  #obey(request: ReplayRequest, route: Route): void {
    const { index } = request;
    if (route.kind === "hold") return;
    if (route.kind === "refuse") return this.#end(index, REFUSED, this.#now);
    const first = route.prefill ?? route.engine;
    const { engines } = this.setup;
    if (!plays(engines[first], "prefill") && first !== route.engine) {
      throw new RangeError(`engine ${first} does not prefill for others`);
    }
    if (!plays(engines[route.engine], "decode")) {
      throw new RangeError(`engine ${route.engine} does not decode`);
    }
    this.#attempts[index] = (this.#attempts[index] as number) + 1;
    this.#sends[index] = route;
    this.outcomes.sentAt[index] = this.#now;
    const reachMs = route.reachMs ?? this.#rttMs(index, first) / 2;
    this.#events.push(this.#now + reachMs, DELIVER, index);
  }

  #deliver(index: number): void {
    const route = this.#sends[index];
    if (route) this.fleet.deliver(index, route);
  }

  #hand(legId: number): void {
    const route = this.#sends[this.fleet.requestOf(legId)];
    if (route) this.fleet.hand(legId, route);
  }

  #firstToken(leg: FleetLeg): void {
    const { request, engine } = leg;
    this.#account(leg);
    this.outcomes.engine[request] = engine;
    this.outcomes.firstTokenAt[request] = this.#now + this.#rttMs(request, engine) / 2;
    this.#tell("firstToken", request, engine, 1, false);
  }

  #done(leg: FleetLeg): void {
    const { request, engine } = leg;
    if (leg.kind === "prefill") {
      this.#account(leg);
      this.#tell("prefilled", request, this.#sends[request]?.engine ?? -1, 0, false);
      return this.fleet.passOn(leg, this.#sends[request]?.engine ?? -1);
    }
    const outputTokens = this.workload.outputTokens[request] as number;
    const rest = outputTokens - leg.outputTokens;
    const stepMs = this.setup.engines[engine]?.speed.stepMs(1, leg.promptTokens) ?? 0;
    this.#tell("finished", request, engine, leg.outputTokens, false);
    this.#end(request, FINISHED, this.#now + rest * stepMs + this.#rttMs(request, engine) / 2);
  }

  /** Enters what a leg found, fetched and computed of its prompt. */
  #account({ kind, engine, request, promptTokens, cachedTokens, pulledTokens }: FleetLeg): void {
    const { outcomes } = this;
    const computed = promptTokens - cachedTokens - pulledTokens;
    outcomes.computedTokens[request] = (outcomes.computedTokens[request] as number) + computed;
    if (kind === "decode") return;
    outcomes.cachedTokens[request] = cachedTokens;
    outcomes.pulledTokens[request] = pulledTokens;
    outcomes.prefill[request] = engine;
  }

  #failed({ request, engine }: FleetLeg, reason: "too-long" | "restarted"): void {
    this.#tell("finished", request, engine, 0, true);
    const isSilent = Number.isNaN(this.outcomes.firstTokenAt[request]);
    const again = isSilent && (this.#attempts[request] as number) < MOST_ATTEMPTS;
    const known = this.#requests[request];
    if (reason !== "restarted" || !again || !known) {
      return this.#end(request, FAILED, this.#now);
    }
    this.rerouted++;
    this.#after(0, () => this.#route(known));
  }

  #end(index: number, status: number, atMs: number): void {
    this.outcomes.status[index] = status;
    this.outcomes.endedAt[index] = atMs;
    this.#requests[index] = undefined;
    this.#sends[index] = undefined;
    this.#turns.ended(index, atMs, (at, next) => this.#events.push(at, ARRIVE, next));
  }

  #tell(
    kind: TellKind,
    index: number,
    engine: number,
    outputTokens: number,
    failed: boolean,
  ): void {
    const request = this.#requests[index];
    if (!request) return;
    const { outcomes } = this;
    const report: Report = {
      engine,
      prefill: this.#sends[index]?.prefill ?? engine,
      cachedTokens: outcomes.cachedTokens[index] as number,
      pulledTokens: outcomes.pulledTokens[index] as number,
      computedTokens: outcomes.computedTokens[index] as number,
      outputTokens,
      atMs: this.#now,
      firstTokenAtMs: outcomes.firstTokenAt[index] as number,
      failed,
    };
    this.#desk.tell(kind, request, report);
  }

  #after(delayMs: number, run: () => void): void {
    const timer = this.#nextTimer++;
    this.#timers.set(timer, run);
    this.#events.push(this.#now + delayMs, TIMER, timer);
  }

  #ring(timer: number): void {
    const run = this.#timers.get(timer);
    this.#timers.delete(timer);
    run?.();
  }

  #rttMs(request: number, engine: number): number {
    const edge = this.arrivals.edge[request] as number;
    return this.arrivals.rttMs[edge * this.setup.engines.length + engine] ?? 0;
  }
}

function plays(engine: EngineSetup | undefined, role: Phase): boolean {
  return engine?.roles.includes(role) === true;
}
