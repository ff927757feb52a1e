import type { Clock } from "../core/clock.ts";
import type { Fleet } from "../core/fleet.ts";
import { adopt } from "../core/grant/adopt.ts";
import { leaseProbes, probed } from "../core/grant/probes.ts";
import { claim, reserve, withdraw } from "../core/grant/reserve.ts";
import { createRegionState } from "../core/grant/region-state.ts";
import { handedAgainOf } from "../core/grant/recompute.ts";
import { done, failed, firstToken, lapse, released, renew, told } from "../core/grant/report.ts";
import { engineViews } from "../core/grant/views.ts";
import type { LegKind, Usage } from "../core/leg.ts";
import type { EngineView } from "../core/plan/placement.ts";
import type { Random } from "../core/random.ts";
import type { Speed } from "../core/speed.ts";
import { CacheReports } from "./cache-reports.ts";
import { cachedShare } from "./cached-share.ts";
import { EngineProbes } from "./engine-probes.ts";
import { runLeg } from "./run-leg.ts";
import { probeBy } from "./probe.ts";
import { RunningLegs } from "./running-legs.ts";
import type { NamedAsk } from "./region-wire.ts";
import type {
  ClaimAsk,
  LegAnswer,
  LegOrder,
  LegReport,
  RegionService,
  ReserveAnswer,
  ViewAsk,
} from "./service.ts";
import type { Snapshots } from "./snapshots.ts";

export type InIsolateOptions = {
  readonly fleet: Fleet;
  readonly speeds: ReadonlyMap<string, Speed>;
  readonly engineFetch: typeof fetch;
  readonly secret: (name: string) => string | undefined;
  readonly random: Random;
  readonly clock: Clock;
  /** Runs a leg where its region has a worker of its own; undefined where it has none, or none that answers. */
  readonly elsewhere?: (order: LegOrder, signal: AbortSignal) => Promise<LegAnswer | undefined>;
  /** What regions have told, where others learn of it as well. */
  readonly snapshots?: Snapshots;
};

export type { Clock } from "../core/clock.ts";

/** A claim is held this long at most, ms. */
const CLAIM_HELD_MS = 5000;
/** A report may let a waiting leg go before it was expected, so a held claim looks again after this, ms. */
const LOOK_AGAIN_MS = 50;

/**
 * The region service of a mesh that has no Region objects: this isolate grants engines from what it knows itself, for
 * every region.
 */
export function createRegionService(options: InIsolateOptions): Isolated {
  const isolate = isolateOf(options);
  const { state, clock } = isolate;
  return {
    service: serviceOf(isolate),
    run: (order, signal) => runHere(isolate, order, signal),
    cachedAt: (engine, leg, usage) => cachedAt(isolate, engine, leg, usage),
    views: ({ pool, chain, linkTokens, held, now }) =>
      engineViews(state, pool, chain, linkTokens, held, now),
    adopt(ask, engine) {
      freeLapsed(isolate, ask.now);
      adopt(state, ask, engine, clock.now());
    },
  };
}

type Isolate = ReturnType<typeof isolateOf>;

function isolateOf(options: InIsolateOptions) {
  const { fleet, speeds, random, clock } = options;
  return {
    options,
    fleet,
    random,
    clock,
    state: createRegionState(fleet.pools, speeds, undefined, handedAgainOf(fleet, speeds)),
    // The legs of this isolate are known to run until they are reported: their grants do not lapse.
    running: new RunningLegs(clock),
    reports: new CacheReports(
      probeBy((order, signal) => run(options, order, signal)),
      Date.now,
    ),
    probes: new EngineProbes(options, clock),
  };
}

function serviceOf(isolate: Isolate): RegionService {
  const { state, random, clock, probes, reports } = isolate;
  return {
    async reserve(ask) {
      freeLapsed(isolate, ask.now);
      // Not waited for: what the runtime ends with this request another one begins anew.
      void probes.each(leaseProbes(state, ask.now), (probe, heard) => {
        probed(state, probe, heard, clock.now());
      });
      return reserve(state, ask, ask.standing, ask.now, random);
    },
    claim: (ask, signal) => held(isolate, ask, signal),
    withdraw: ({ pool, ticket }) => withdraw(state, pool, ticket, clock.now()),
    async run(order, signal) {
      const answer = await runHere(isolate, order, signal);
      const now = clock.now();
      if (answer.load) told(state, order.ticket, { load: answer.load, atMs: now }, now);
      return answer;
    },
    reportsCache: (engine) => reports.of(engine),
    report: (report) => enterReport(isolate, report),
  };
}

/** Asks after a leg in the queue until it may go, its caller leaves, or it was held for long enough. */
async function held(
  { state, random, clock }: Isolate,
  { pool, ticket }: ClaimAsk,
  signal: AbortSignal | undefined,
): Promise<ReserveAnswer> {
  const until = clock.now() + CLAIM_HELD_MS;
  for (;;) {
    const now = clock.now();
    const answer = claim(state, pool, ticket, now, random);
    if (answer.kind !== "queued" || now >= until || signal?.aborted) return answer;
    await clock.wait(Math.min(LOOK_AGAIN_MS, Math.max(1, answer.askAt - now)));
  }
}

function enterReport(isolate: Isolate, report: LegReport): void {
  const { state, running, reports } = isolate;
  const { event, ticket, now, failure, retryAfterMs, usage } = report;
  const engine = state.tickets.get(ticket);
  const leg = engine?.grants.get(ticket)?.leg;
  if (engine && leg) {
    if ((usage?.cachedTokens ?? 0) > 0) reports.saw(engine.id);
    const share = cachedAt(isolate, engine.id, leg, usage);
    if (share !== undefined) told(state, ticket, { atMs: now, cachedShare: share }, now);
  }
  if (event === "first-token") return firstToken(state, ticket, now);
  running.end(ticket);
  if (event === "done") done(state, ticket, now, usage?.outputTokens);
  else if (event === "failed") failed(state, ticket, now, failure, retryAfterMs);
  else released(state, ticket, now);
}

function freeLapsed({ state, running }: Isolate, now: number): void {
  for (const ticket of running.alive()) renew(state, ticket, now);
  lapse(state, now);
}

function runHere({ options, running }: Isolate, order: LegOrder, signal: AbortSignal) {
  running.begin(order.ticket);
  return run(options, order, signal);
}

function cachedAt(
  { fleet, reports }: Isolate,
  engine: string,
  leg: LegKind,
  usage: Usage | undefined,
): number | undefined {
  return cachedShare(fleet, { engine, leg, usage }, (id) => reports.knows(id));
}

/** A region service that asks nobody, and what its parts are to one that does. */
export type Isolated = {
  readonly service: RegionService;
  /** Runs a leg, and does not listen to what its engine tells beside the answer. */
  readonly run: RegionService["run"];
  /** Share of its prompt that a leg found cached, 0 to 1; undefined where that is unknown. */
  readonly cachedAt: (engine: string, leg: LegKind, usage: Usage | undefined) => number | undefined;
  readonly views: (ask: ViewAsk) => readonly EngineView[];
  /** Enters a leg that a Region object granted, under its ticket. */
  readonly adopt: (ask: NamedAsk, engine: string) => void;
};

async function run(options: InIsolateOptions, order: LegOrder, signal: AbortSignal) {
  const answer = await options.elsewhere?.(order, signal);
  return answer ?? runLeg(options, order, signal);
}
