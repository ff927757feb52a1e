import type { Reserved } from "../core/grant/reserve.ts";
import type { EngineView } from "../core/plan/placement.ts";
import { shardOf } from "../core/shards.ts";
import { createRegionService, type InIsolateOptions } from "./in-isolate.ts";
import { EngineProbes } from "./engine-probes.ts";
import { type LiveGrant, LiveGrants } from "./live-grants.ts";
import { Patience, patienceKey } from "./patience.ts";
import { RegionCaller, type RegionLink } from "./region-caller.ts";
import { eventOf, type NamedAsk, wantedOf } from "./region-wire.ts";
import { ReportBuffer } from "./report-buffer.ts";
import type {
  ClaimAsk,
  LegAhead,
  LegAnswer,
  LegOrder,
  LegReport,
  RegionService,
  ReserveAsk,
  ViewAsk,
} from "./service.ts";
import { Snapshots } from "./snapshots.ts";

type Isolate = ReturnType<typeof createIsolate>;

/** The region service of a mesh with Region objects: they grant, and this isolate does without one that is lost. */
export function createRegionObjects(options: InIsolateOptions): (link: RegionLink) => {
  service: RegionService;
  views: (ask: ViewAsk) => readonly EngineView[];
} {
  const isolate = createIsolate(options);
  return (link) => ({
    service: new ByObject(isolate, link),
    views: (ask) => {
      const shard = shardOf(isolate.fleet, ask.pool);
      const own = isolate.own.views(ask).map((view) => ({
        ...view,
        // Other edges send to the same engines: what is not known here may be there. The region knows better.
        heldTokens: Math.max(view.heldTokens, ask.held[view.engine] ?? 0),
      }));
      return isolate.snapshots.over(shard, own, ask.now);
    },
  });
}

function createIsolate(options: InIsolateOptions) {
  const { fleet, clock } = options;
  let tickets = 0;
  return {
    fleet,
    clock,
    /** Grants when a region is lost, and knows which prefixes this isolate sent where. */
    own: createRegionService(options),
    live: new LiveGrants(clock),
    waiting: new Map<string, Waiting>(),
    reports: new ReportBuffer(clock),
    snapshots: options.snapshots ?? new Snapshots(),
    patience: new Patience(),
    probes: new EngineProbes(options, clock),
    /** Another one for each call of `reserve`; no other isolate has the request. */
    named: (ask: ReserveAsk): NamedAsk => ({
      ...ask,
      ticket: `${ask.requestId}:${ask.leg}:r${++tickets}`,
    }),
  };
}

/** A leg in a queue, and what was last said of it. */
type Waiting = {
  readonly ask: ReserveAsk;
  readonly ahead: LegAhead | undefined;
  readonly said: Reserved;
  /** This isolate's own queue, as the region did not answer. */
  readonly isOwn: boolean;
};

class ByObject implements RegionService {
  readonly #isolate: Isolate;
  readonly #link: RegionLink;
  readonly #caller: RegionCaller;

  constructor(isolate: Isolate, link: RegionLink) {
    this.#isolate = isolate;
    this.#link = link;
    this.#caller = new RegionCaller(isolate, link);
  }

  async reserve(ask: ReserveAsk, ahead?: LegAhead): Promise<Reserved> {
    const { patience, own } = this.#isolate;
    const shard = shardOf(this.#isolate.fleet, ask.pool);
    const named = this.#isolate.named(ask);
    const call = this.#caller.reserve(shard, named, ahead);
    const answer = await Promise.race([call, after(patience.ms(patienceKey(shard, ahead)))]);
    if (answer !== "late" && answer !== "lost") return this.#keep(shard, named, answer, ahead);
    // It may have been granted all the same.
    this.#caller.giveUp(shard, ask.pool, named.ticket);
    this.#link.waitUntil(call);
    return this.#keepGuess(shard, ask, await own.service.reserve(ask), ahead);
  }

  async claim(place: ClaimAsk, signal?: AbortSignal): Promise<Reserved> {
    const { fleet, waiting, own, clock } = this.#isolate;
    const { pool, ticket } = place;
    const shard = shardOf(fleet, pool);
    const known = waiting.get(ticket);
    if (known === undefined) return own.service.claim(place, signal);
    const { ask, ahead } = known;
    if (known.isOwn) {
      waiting.delete(ticket);
      return this.#keepGuess(shard, ask, await own.service.claim(place, signal), ahead);
    }
    const answer = await Promise.race([this.#caller.claim(shard, place), aborted(signal)]);
    // Who leaves withdraws: that gives up whatever the claim still comes to.
    if (answer === "left") return known.said;
    waiting.delete(ticket);
    if (answer !== "lost") return this.#keep(shard, { ...ask, ticket }, answer, ahead);
    // The object lost its memory, or its answer was lost: the leg queues anew.
    this.#caller.giveUp(shard, pool, ticket);
    return this.reserve({ ...ask, now: clock.now() }, ahead);
  }

  withdraw({ v, pool, ticket }: ClaimAsk): void {
    const { fleet, waiting, own } = this.#isolate;
    const isOwn = waiting.get(ticket)?.isOwn ?? true;
    waiting.delete(ticket);
    if (isOwn) return own.service.withdraw({ v, pool, ticket });
    const event = { ticket, event: "withdrawn", pool, afterMs: 0 } as const;
    this.#caller.tellNow(shardOf(fleet, pool), event);
  }

  async run(order: LegOrder, signal: AbortSignal): Promise<LegAnswer> {
    const { own, live, clock } = this.#isolate;
    const answer = await own.run(order, signal);
    const grant = live.get(order.ticket);
    // What all have to do there is its region's to reckon with: this isolate knows its own part only.
    if (grant && answer.load) {
      grant.told = { load: answer.load, afterMs: clock.now() - grant.grantedAt };
    }
    return answer;
  }

  report(report: LegReport): void {
    const { own, live } = this.#isolate;
    const grant = live.get(report.ticket);
    if (grant === undefined) return own.service.report(report);
    const { region, wanted, grantedAt } = grant;
    // The way to the engine and back would pass for slowness of the engine, where the grant did not go the same way.
    const wayMs = grant.ranAhead ? 0 : this.#link.rtt.ms(region);
    const now = Math.max(grantedAt, report.now - wayMs);
    own.service.report({ ...report, now });
    if (report.event === "first-token") grant.firstTokenAt = now;
    else live.end(grant);
    const event = eventOf({ ...report, now }, wanted.pool, grantedAt, {
      told: grant.told,
      cachedShare: own.cachedAt(grant.engine, wanted.leg, report.usage),
    });
    grant.told = undefined;
    if (report.event === "released") return this.#caller.tellNow(region, event);
    this.#caller.tellSoon(region, event);
  }

  reportsCache(engine: string): Promise<boolean> {
    return this.#isolate.own.service.reportsCache(engine);
  }

  /** Enters an answer of a region in this isolate's books. */
  #keep(region: string, ask: NamedAsk, answer: Reserved, ahead?: LegAhead): Reserved {
    const { live, own } = this.#isolate;
    if (answer.kind === "queued") this.#wait({ ask, ahead, said: answer, isOwn: false }, answer);
    if (answer.kind !== "granted") return answer;
    const { ticket, engine } = answer.grant;
    own.adopt({ ...ask, ticket }, engine);
    const memory = live.memoryOf(region);
    const ranAhead = ahead !== undefined && this.#link.runsAhead?.(region) === true;
    this.#stay(live.add({ ticket, region, engine, wanted: wantedOf(ask), memory, ranAhead }));
    return answer;
  }

  /** What this isolate found by itself: the region hears of it when it answers again, receipts at once. */
  #keepGuess(region: string, ask: ReserveAsk, answer: Reserved, ahead?: LegAhead): Reserved {
    if (answer.kind === "queued") this.#wait({ ask, ahead, said: answer, isOwn: true }, answer);
    if (answer.kind !== "granted") return answer;
    // How busy the engine is and what others hold, only its region knows.
    const { decoding: _decoding, promptShare: _share, elsewhere: _held, ...grant } = answer.grant;
    const { ticket, engine, reason } = grant;
    const wanted = wantedOf(ask);
    const leg = { ticket, region, engine, wanted, memory: undefined, ranAhead: false };
    this.#stay(this.#isolate.live.add(leg));
    const guessed = `${reason}, without its region, which did not answer`;
    return { kind: "granted", grant: { ...grant, reason: guessed } };
  }

  #stay(leg: LiveGrant): void {
    this.#link.waitUntil(this.#isolate.live.stay(leg, () => this.#caller.send(leg.region)));
  }

  #wait(one: Waiting, { ticket }: { readonly ticket: string }): void {
    const { waiting } = this.#isolate;
    waiting.set(ticket, one);
    // Requests that the runtime ended leave theirs behind.
    for (const oldest of waiting.keys()) {
      if (waiting.size <= MOST_WAITING) break;
      waiting.delete(oldest);
    }
  }
}

const MOST_WAITING = 1000;

function after(ms: number): Promise<"late"> {
  return new Promise((resolve) => setTimeout(() => resolve("late"), ms));
}

function aborted(signal: AbortSignal | undefined): Promise<"left"> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve("left");
    signal?.addEventListener("abort", () => resolve("left"), { once: true });
  });
}
