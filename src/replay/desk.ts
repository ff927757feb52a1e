import { seededRandom } from "../core/random.ts";
import type { Arrivals } from "./arrivals.ts";
import type { FleetSetup, RunOptions } from "./fleet-setup.ts";
import { lruModel } from "./lru-model.ts";
import type { Network } from "./network.ts";
import type {
  FleetView,
  Policy,
  PolicyEntry,
  PolicySetup,
  Refuse,
  ReplayRequest,
  Report,
  Send,
} from "./policy.ts";
import type { LaggedView } from "./view.ts";

export type TellKind = "prefilled" | "firstToken" | "finished";

/** The instances of one policy, and what stands between them and the run: views, clocks, late reports. */
export class PolicyDesk {
  readonly #instances: readonly Policy[];
  readonly #view: LaggedView;
  readonly #reportMs: readonly [number, number];
  readonly #lateness: () => number;
  readonly #after: PolicySetup["after"];

  constructor(given: {
    readonly entry: PolicyEntry;
    readonly setup: FleetSetup;
    readonly options: RunOptions;
    readonly view: LaggedView;
    readonly arrivals: Arrivals;
    readonly network: Network;
    readonly blockTokens: number;
    readonly now: () => number;
    readonly dispatch: (request: ReplayRequest, route: Send | Refuse) => void;
    readonly after: PolicySetup["after"];
  }) {
    const { entry, options, view, network, blockTokens, now, dispatch } = given;
    this.#view = view;
    this.#reportMs = options.reportMs ?? [0, 0];
    this.#lateness = seededRandom(options.seed ^ 0x5eed);
    this.#after = given.after;
    const count = entry.instances === "edge" ? options.edges : 1;
    const fleet = fleetView(view, given.arrivals, network);
    const capacities = view.engines.map(({ kvTokens }) => kvTokens);
    this.#instances = Array.from({ length: count }, (_, instance) =>
      entry.create({
        fleet,
        mesh: given.setup.mesh,
        speeds: given.setup.speeds,
        random: seededRandom(Math.imul(options.seed + 1, 0x9e3779b1) + instance),
        now,
        dispatch,
        after: (delayMs, run) =>
          given.after(delayMs, () => {
            view.refresh();
            run();
          }),
        prefixModel: (tokens) => lruModel(capacities, blockTokens, tokens),
        blockTokens,
      }),
    );
  }

  /** The policy of the request's edge, with the fleet as it may see it now. */
  at(request: ReplayRequest): Policy {
    this.#view.refresh();
    return this.#of(request);
  }

  #of(request: ReplayRequest): Policy {
    const instance = this.#instances[this.#instances.length > 1 ? request.edge : 0];
    if (instance === undefined) throw new RangeError(`there is no edge ${request.edge}`);
    return instance;
  }

  /** Tells the policy what became of a request, when the report has got there. */
  tell(kind: TellKind, request: ReplayRequest, report: Report): void {
    const [least, most] = this.#reportMs;
    const lateMs = most === 0 ? 0 : least + (most - least) * this.#lateness();
    if (this.#of(request)[kind] === undefined) return;
    const tell = (): void => this.at(request)[kind]?.(request, report);
    if (most === 0) tell();
    else this.#after(lateMs, tell);
  }
}

function fleetView(view: LaggedView, { rttMs }: Arrivals, network: Network): FleetView {
  return {
    engines: view.engines,
    ageMs: view.ageMs,
    matchTokens: (engine, request) => view.matchTokens(engine, request),
    rttMs: (engine, request) => rttMs[request.edge * view.engines.length + engine] ?? 0,
    pullMs: (from, to, tokens) => network.idleMs(from, to, tokens),
  };
}
