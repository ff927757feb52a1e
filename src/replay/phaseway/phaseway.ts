import type { Granted } from "../../core/grant/grant.ts";
import { createRegionState } from "../../core/grant/region-state.ts";
import { handedAgainOf } from "../../core/grant/recompute.ts";
import { done, failed, firstToken, released } from "../../core/grant/report.ts";
import type { LegKind } from "../../core/leg.ts";
import type { Model } from "../../core/fleet.ts";
import { decideSplit, mayDecideAgain } from "../../core/plan/decide-split.ts";
import type { Placement } from "../../core/plan/placement.ts";
import type { PlanInput } from "../../core/plan/plan-input.ts";
import { plan } from "../../core/plan/plan.ts";
import type { Policy, PolicyEntry, PolicySetup, ReplayRequest, Report, Route } from "../policy.ts";
import { type Asked, askedOf } from "./asks.ts";
import { pullCosts } from "./pull-costs.ts";
import { RegionDesk } from "./region-desk.ts";
import { Residency } from "./residency.ts";
import { ShownLedger } from "./shown-ledger.ts";
import { planInput } from "./views.ts";

/**
 * Our own routing: `plan` at the edge from what it sees, `grant` in the region with what it knows itself, both the very
 * functions the workers run. The region service is where its engines are: a request crosses the world once.
 */
export function phaseway(params: PhasewayParams = {}): PolicyEntry {
  const { without } = params;
  return {
    name: without === undefined ? "phaseway" : `phaseway-no-${without}`,
    // The edges share nothing but the region's ledger; sessions are kept by their Session objects.
    instances: without === "reserve" ? "edge" : "fleet",
    create: (setup) => new Phaseway(setup, without),
  };
}

export type PhasewayParams = {
  /**
   * What is left out, to see what it is worth: `order` serves first come first, `pull` recomputes what others hold,
   * `reserve` lets every edge keep a ledger of its own that knows nothing of the others'.
   */
  readonly without?: "order" | "pull" | "reserve";
};

type Planned = Pick<Placement, "prefill" | "decode" | "mode">;

/** A request on its way; `at` is the region it has got to, undefined at its edge. */
type Trip = { readonly request: ReplayRequest; readonly asked: Asked; at: string | undefined };

/** Legs granted for a request that has not ended, sent at that time. */
type Live = { readonly prefill?: Granted; readonly decode?: Granted; readonly sentAt: number };

class Phaseway implements Policy {
  readonly #setup: PolicySetup;
  readonly #state;
  readonly #desk: RegionDesk;
  readonly #isOrdered: boolean;
  readonly #model: Model;
  readonly #residency: Residency;
  readonly #live = new Map<number, Live>();
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #shown: ShownLedger;

  constructor(setup: PolicySetup, without: PhasewayParams["without"]) {
    this.#setup = setup;
    this.#residency = new Residency(setup.blockTokens);
    const pulls = without === "pull" ? undefined : pullCosts(setup);
    const handed = handedAgainOf(setup.mesh, setup.speeds);
    this.#state = createRegionState(setup.mesh.pools, setup.speeds, pulls, handed);
    this.#desk = new RegionDesk(setup, this.#state);
    this.#isOrdered = without !== "order";
    const [model] = setup.mesh.models.values();
    if (model === undefined) throw new TypeError("the fleet serves no model");
    this.#model = model;
    this.#shown = new ShownLedger(this.#state);
    this.#numbers = new Map(setup.fleet.engines.map(({ id, engine }) => [id, engine]));
  }

  route(request: ReplayRequest): Route {
    const { mesh, now } = this.#setup;
    // Whoever routes it again knows that the attempt before is lost.
    this.#lost(request.index, now());
    const model = mesh.models.get(request.model) ?? this.#model;
    const asked = askedOf(this.#setup, model, request, this.#residency);
    const trip: Trip = { request, asked, at: undefined };
    const isOne = mesh.pools.size === 1;
    const placements = isOne ? [alone(mesh.pools)] : plan(this.#planInput(trip)).placements;
    this.#try(trip, placements, 0);
    return { kind: "hold" };
  }

  prefilled({ index }: ReplayRequest, { atMs }: Report): void {
    const leg = this.#live.get(index)?.prefill;
    if (leg === undefined) return;
    done(this.#state, leg.ticket, atMs);
    this.#desk.look(leg.pool);
  }

  firstToken({ index }: ReplayRequest, { atMs }: Report): void {
    const leg = this.#live.get(index)?.decode;
    if (leg === undefined) return;
    firstToken(this.#state, leg.ticket, atMs);
    this.#desk.look(leg.pool);
  }

  finished(request: ReplayRequest, { atMs, failed: hasFailed, outputTokens }: Report): void {
    if (hasFailed) return this.#lost(request.index, atMs);
    const live = this.#live.get(request.index);
    this.#live.delete(request.index);
    if (!live?.decode) return;
    // Reports may overtake each other.
    if (live.prefill) done(this.#state, live.prefill.ticket, atMs);
    done(this.#state, live.decode.ticket, atMs, outputTokens);
    this.#desk.look(live.decode.pool);
    this.#residency.ended(request, [live.decode.engine, live.prefill?.engine]);
  }

  /** Fails the legs of an attempt that had been sent by then: the report of one before it may come late. */
  #lost(index: number, atMs: number): void {
    const live = this.#live.get(index);
    if (live === undefined || live.sentAt > atMs) return;
    this.#live.delete(index);
    for (const leg of [live.prefill, live.decode]) {
      if (!leg) continue;
      failed(this.#state, leg.ticket, atMs);
      this.#desk.look(leg.pool);
    }
  }

  /** Asks the region of one placement after another, the decode engine of a split first. */
  #try(trip: Trip, placements: readonly Planned[], at: number): void {
    const placement = placements[at];
    if (placement === undefined) {
      const reason = "no engine would take it";
      return this.#setup.dispatch(trip.request, { kind: "refuse", reason });
    }
    const next = (): void => this.#try(trip, placements, at + 1);
    this.#ask(trip, placement, next, (granted) => {
      const decided = this.#decideAgain(trip, placement, granted);
      if (decided.mode === placement.mode) return this.#go(trip, decided, granted, next);
      released(this.#state, granted.ticket, this.#setup.now());
      this.#ask(trip, decided, next, (again) => this.#go(trip, decided, again, next));
    });
  }

  /** Asks for the engine that decodes. */
  #ask(trip: Trip, placement: Planned, next: () => void, then: (granted: Granted) => void): void {
    const leg = placement.prefill === undefined ? "both" : "decode";
    this.#reserve(trip, leg, placement.decode.pool, (granted) => {
      if (granted) then(granted);
      else next();
    });
  }

  /** Goes on with the engine that decodes. */
  #go(trip: Trip, { prefill }: Planned, decode: Granted, next: () => void): void {
    if (prefill === undefined) this.#send(trip, { decode });
    else this.#addPrefill(trip, prefill.pool, decode, next);
  }

  #addPrefill(trip: Trip, pool: string, decode: Granted, next: () => void): void {
    this.#reserve(trip, "prefill", pool, (prefill) => {
      if (prefill) return this.#send(trip, { decode, prefill });
      released(this.#state, decode.ticket, this.#setup.now());
      next();
    });
  }

  #decideAgain(trip: Trip, planned: Planned, decode: Granted): Planned {
    const { mesh, now } = this.#setup;
    if (!mayDecideAgain(mesh, trip.asked.ask, planned)) return planned;
    const startInMs = Math.max(0, decode.startAt - now());
    return decideSplit(this.#planInput(trip), planned, { ...decode, startInMs });
  }

  #planInput({ request, asked }: Trip): PlanInput {
    const { fleet, now } = this.#setup;
    return planInput(this.#setup, request, asked, this.#shown.asShown(now(), fleet.ageMs));
  }

  /** The region answers where it is: nothing comes back to the edge before the leg is run there. */
  #reserve(
    trip: Trip,
    leg: LegKind,
    pool: string,
    then: (granted: Granted | undefined) => void,
  ): void {
    const { request, asked } = trip;
    const wanted = {
      requestId: String(request.index),
      leg,
      pool,
      ask: asked.ask,
      chain: asked.chain,
      linkTokens: asked.linkTokens,
      held: asked.held,
      avoid: [],
      handedTokens: leg === "decode" ? request.promptTokens : 0,
    };
    const standing = {
      tenant: String(request.tenant),
      priority: this.#isOrdered ? request.priority : -request.atMs,
      deadlineAt: Infinity,
      longestWaitMs: Infinity,
    };
    const decide = (): void => this.#desk.reserve(wanted, standing, then);
    const wayMs = this.#travel(trip, pool);
    // At once where there is no way to go: a burst is decided one after another either way.
    if (wayMs > 0) this.#setup.after(wayMs, decide);
    else decide();
  }

  /** The way of a request to the region of a pool, from where it is now, ms; by the edge, as regions do not ask each other. */
  #travel(trip: Trip, pool: string): number {
    const { mesh } = this.#setup;
    const to = mesh.pools.get(pool)?.region;
    if (to === trip.at) return 0;
    const backMs = trip.at === undefined ? 0 : this.#oneWayMs(trip, trip.at);
    trip.at = to;
    return backMs + (to === undefined ? 0 : this.#oneWayMs(trip, to));
  }

  #oneWayMs({ request }: Trip, region: string): number {
    const { fleet } = this.#setup;
    const there = fleet.engines.find((one) => one.region === region);
    return there === undefined ? 0 : fleet.rttMs(there.engine, request) / 2;
  }

  #send(trip: Trip, live: Omit<Live, "sentAt">): void {
    const { request } = trip;
    const engine = this.#numbers.get(live.decode?.engine ?? "");
    const prefill = live.prefill && this.#numbers.get(live.prefill.engine);
    if (engine === undefined) throw new TypeError("a granted engine is not in the fleet");
    this.#live.set(request.index, { ...live, sentAt: this.#setup.now() });
    const first = live.prefill ?? live.decode;
    const from = first?.pull && this.#numbers.get(first.pull.from);
    this.#setup.dispatch(request, {
      kind: "send",
      engine,
      reachMs: this.#travel(trip, first?.pool ?? ""),
      ...(prefill !== undefined && { prefill }),
      ...(first?.pull && from !== undefined && { pull: { from, tokens: first.pull.tokens } }),
    });
  }
}

/** The only placement there is in a fleet of one pool. */
function alone(pools: PolicySetup["mesh"]["pools"]): Planned {
  const [pool] = pools.keys();
  return { mode: "together", decode: { pool: pool ?? "", engine: "", heldTokens: 0 } };
}
