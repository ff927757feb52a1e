import type { Granted } from "../../core/grant/grant.ts";
import { createRegionState } from "../../core/grant/region-state.ts";
import { done, failed, firstToken, released } from "../../core/grant/report.ts";
import type { LegKind } from "../../core/leg.ts";
import type { Model } from "../../core/fleet.ts";
import { decideSplit } from "../../core/plan/decide-split.ts";
import type { Placement } from "../../core/plan/placement.ts";
import { plan } from "../../core/plan/plan.ts";
import type { Policy, PolicyEntry, PolicySetup, ReplayRequest, Report, Route } from "../policy.ts";
import { type Asked, askedOf } from "./asks.ts";
import { pullCosts } from "./pull-costs.ts";
import { RegionDesk } from "./region-desk.ts";
import { Residency } from "./residency.ts";
import { planInput } from "./views.ts";

/**
 * Our own routing: `plan` at the edge from what it sees, `grant` in the region with what it knows itself, both the very
 * functions the workers run. A reserve takes the round trip to the region; so does every further one.
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

/** Legs granted for a request that has not ended. */
type Live = { prefill?: Granted; decode?: Granted };

class Phaseway implements Policy {
  readonly #setup: PolicySetup;
  readonly #state;
  readonly #desk: RegionDesk;
  readonly #isOrdered: boolean;
  readonly #model: Model;
  readonly #residency = new Residency();
  readonly #live = new Map<number, Live>();
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(setup: PolicySetup, without: PhasewayParams["without"]) {
    this.#setup = setup;
    const pulls = without === "pull" ? undefined : pullCosts(setup);
    this.#state = createRegionState(setup.mesh.pools, setup.speeds, pulls);

    this.#desk = new RegionDesk(setup, this.#state);
    this.#isOrdered = without !== "order";
    const [model] = setup.mesh.models.values();
    if (model === undefined) throw new TypeError("the fleet serves no model");
    this.#model = model;
    this.#numbers = new Map(setup.fleet.engines.map(({ id, engine }) => [id, engine]));
  }

  route(request: ReplayRequest): Route {
    const { mesh } = this.#setup;
    const model = mesh.models.get(request.model) ?? this.#model;
    const asked = askedOf(this.#setup, model, request, this.#residency.of(request));
    const placements =
      mesh.pools.size > 1
        ? plan(planInput(this.#setup, request, asked)).placements
        : [alone(mesh.pools)];
    this.#try(request, asked, placements, 0);
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
    const live = this.#live.get(request.index);
    this.#live.delete(request.index);
    if (hasFailed) {
      for (const leg of [live?.prefill, live?.decode]) {
        if (!leg) continue;
        failed(this.#state, leg.ticket, atMs);
        this.#desk.look(leg.pool);
      }
      return;
    }
    if (!live?.decode) return;
    done(this.#state, live.decode.ticket, atMs, outputTokens);
    this.#desk.look(live.decode.pool);
    this.#residency.ended(request, [live.decode.engine, live.prefill?.engine]);
  }

  /** Asks the region of one placement after another, the decode engine of a split first. */
  #try(
    request: ReplayRequest,
    asked: Asked,
    placements: readonly Pick<Placement, "prefill" | "decode" | "mode">[],
    at: number,
  ): void {
    const placement = placements[at];
    if (placement === undefined) {
      return this.#setup.dispatch(request, { kind: "refuse", reason: "no engine would take it" });
    }
    const pool = placement.decode.pool;
    const next = (): void => this.#try(request, asked, placements, at + 1);
    const { prefill } = placement;
    if (prefill === undefined) {
      this.#reserve(request, asked, "both", pool, (decode) => {
        if (decode) this.#send(request, { decode });
        else next();
      });
      return;
    }
    this.#reserve(request, asked, "decode", pool, (decode) => {
      if (!decode) return next();
      const decided = this.#decideAgain(request, asked, placement as Placement, decode);
      if (decided.prefill)
        return this.#addPrefill(request, asked, decided.prefill.pool, decode, next);
      released(this.#state, decode.ticket, this.#setup.now());
      this.#reserve(request, asked, "both", pool, (both) => {
        if (both) this.#send(request, { decode: both });
        else next();
      });
    });
  }

  #addPrefill(
    request: ReplayRequest,
    asked: Asked,
    pool: string,
    decode: Granted,
    next: () => void,
  ): void {
    this.#reserve(request, asked, "prefill", pool, (prefill) => {
      if (prefill) return this.#send(request, { decode, prefill });
      released(this.#state, decode.ticket, this.#setup.now());
      next();
    });
  }

  #decideAgain(
    request: ReplayRequest,
    asked: Asked,
    planned: Placement,
    decode: Granted,
  ): Placement {
    const startInMs = Math.max(0, decode.startAt - this.#setup.now());
    const { engine, heldTokens } = decode;
    const input = planInput(this.#setup, request, asked);
    return decideSplit(input, planned, { engine, heldTokens, startInMs });
  }

  /** The answer comes a round trip later; the region decides half way. */
  #reserve(
    request: ReplayRequest,
    asked: Asked,
    leg: LegKind,
    pool: string,
    then: (granted: Granted | undefined) => void,
  ): void {
    const { mesh, fleet } = this.#setup;
    const first = mesh.pools.get(pool)?.engines[0]?.id ?? "";
    const oneWayMs = fleet.rttMs(this.#numbers.get(first) ?? 0, request) / 2;
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
      priority: this.#isOrdered ? request.priority : -request.index,
      deadlineAt: Infinity,
      longestWaitMs: Infinity,
    };
    const decide = (): void =>
      this.#desk.reserve(wanted, standing, (granted) => this.#later(oneWayMs, () => then(granted)));
    this.#later(oneWayMs, decide);
  }

  /** At once where there is no way to go: a burst is decided one after another either way. */
  #later(ms: number, run: () => void): void {
    if (ms > 0) this.#setup.after(ms, run);
    else run();
  }

  #send(request: ReplayRequest, live: Live): void {
    const engine = this.#numbers.get(live.decode?.engine ?? "");
    const prefill = live.prefill && this.#numbers.get(live.prefill.engine);
    if (engine === undefined) throw new TypeError("a granted engine is not in the fleet");
    this.#live.set(request.index, live);
    const pull = (live.prefill ?? live.decode)?.pull;
    const from = pull && this.#numbers.get(pull.from);
    this.#setup.dispatch(request, {
      kind: "send",
      engine,
      ...(prefill !== undefined && { prefill }),
      ...(pull && from !== undefined && { pull: { from, tokens: pull.tokens } }),
    });
  }
}

/** The only placement there is in a fleet of one pool. */
function alone(pools: PolicySetup["mesh"]["pools"]): Pick<Placement, "decode" | "mode"> {
  const [pool] = pools.keys();
  return { mode: "together", decode: { pool: pool ?? "", engine: "", heldTokens: 0 } };
}
