import type { Reserved } from "../core/grant/reserve.ts";
import type { EngineView } from "../core/plan/placement.ts";
import { createRegionService, type InIsolateOptions } from "./in-isolate.ts";
import { type LiveGrant, LiveGrants } from "./live-grants.ts";
import { Patience } from "./patience.ts";
import { RegionCaller, type RegionLink } from "./region-caller.ts";
import { eventOf, wantedOf } from "./region-wire.ts";
import { ReportBuffer } from "./report-buffer.ts";
import type { ClaimAsk, LegReport, RegionService, ReserveAsk, ViewAsk } from "./service.ts";
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
      const region = regionOf(isolate, ask.pool);
      return isolate.snapshots.over(region, isolate.own.views(ask), ask.now);
    },
  });
}

function createIsolate(options: InIsolateOptions) {
  const { fleet, clock } = options;
  return {
    fleet,
    clock,
    /** Grants when a region is lost, and knows which prefixes this isolate sent where. */
    own: createRegionService(options),
    live: new LiveGrants(clock),
    waiting: new Map<string, Waiting>(),
    reports: new ReportBuffer(clock),
    snapshots: new Snapshots(),
    patience: new Patience(),
  };
}

/** A leg in a queue, and what was last said of it. */
type Waiting = {
  readonly ask: ReserveAsk;
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

  async reserve(ask: ReserveAsk): Promise<Reserved> {
    const { patience, own } = this.#isolate;
    const region = regionOf(this.#isolate, ask.pool);
    const call = this.#caller.reserve(region, ask);
    const answer = await Promise.race([call, after(patience.ms(region))]);
    if (answer === "late") this.#caller.giveBackLate(region, ask.pool, call);
    if (answer !== "late" && answer !== "lost") return this.#keep(region, ask, answer);
    return this.#keepGuess(region, ask, await own.service.reserve(ask));
  }

  async claim(place: ClaimAsk, signal?: AbortSignal): Promise<Reserved> {
    const { waiting, own, clock } = this.#isolate;
    const region = regionOf(this.#isolate, place.pool);
    const known = waiting.get(place.ticket);
    if (known === undefined) return own.service.claim(place, signal);
    if (known.isOwn) {
      waiting.delete(place.ticket);
      return this.#keepGuess(region, known.ask, await own.service.claim(place, signal));
    }
    const call = this.#caller.claim(region, place);
    const answer = await Promise.race([call, aborted(signal)]);
    if (answer === "left") {
      this.#caller.giveBackLate(region, place.pool, call);
      return known.said;
    }
    waiting.delete(place.ticket);
    // The object lost its memory: the leg queues anew.
    if (answer === "lost") return this.reserve({ ...known.ask, now: clock.now() });
    return this.#keep(region, known.ask, answer);
  }

  withdraw({ v, pool, ticket }: ClaimAsk): void {
    const { waiting, own } = this.#isolate;
    const isOwn = waiting.get(ticket)?.isOwn ?? true;
    waiting.delete(ticket);
    if (isOwn) return own.service.withdraw({ v, pool, ticket });
    this.#caller.tellNow(regionOf(this.#isolate, pool), {
      ticket,
      event: "withdrawn",
      pool,
      afterMs: 0,
    });
  }

  run: RegionService["run"] = (order, signal) => {
    const { own, live } = this.#isolate;
    const ticket = live.get(order.ticket)?.ownTicket ?? order.ticket;
    return own.service.run({ ...order, ticket }, signal);
  };

  report(report: LegReport): void {
    const { own, live, reports } = this.#isolate;
    const grant = live.get(report.ticket);
    if (grant === undefined) return own.service.report(report);
    const { region, wanted, grantedAt, ownTicket } = grant;
    // The way to the engine and back would pass for slowness of the engine.
    const now = Math.max(grantedAt, report.now - this.#link.rtt.ms(region));
    own.service.report({ ...report, ticket: ownTicket, now });
    if (report.event === "first-token") grant.firstTokenAt = now;
    else live.end(grant);
    const event = eventOf({ ...report, now }, wanted.pool, grantedAt);
    if (report.event === "released") return this.#caller.tellNow(region, event);
    reports.add(region, event);
    this.#link.waitUntil(reports.sendLater(region, () => this.#caller.send(region)));
  }

  reportsCache(engine: string): Promise<boolean> {
    return this.#isolate.own.service.reportsCache(engine);
  }

  /** Enters an answer of a region in this isolate's books. */
  #keep(region: string, ask: ReserveAsk, answer: Reserved): Reserved {
    const { live, own } = this.#isolate;
    if (answer.kind === "queued") this.#wait({ ask, said: answer, isOwn: false }, answer.ticket);
    if (answer.kind !== "granted") return answer;
    const { ticket, engine } = answer.grant;
    const ownTicket = own.adopt(ask, engine) ?? ticket;
    const memory = live.memoryOf(region);
    this.#stay(live.add({ ticket, region, engine, wanted: wantedOf(ask), ownTicket, memory }));
    return answer;
  }

  /** What this isolate found by itself: the region hears of it when it answers again, receipts at once. */
  #keepGuess(region: string, ask: ReserveAsk, answer: Reserved): Reserved {
    if (answer.kind === "queued") this.#wait({ ask, said: answer, isOwn: true }, answer.ticket);
    if (answer.kind !== "granted") return answer;
    const { ticket, engine, reason } = answer.grant;
    const wanted = wantedOf(ask);
    const leg = { ticket, region, engine, wanted, ownTicket: ticket, memory: undefined };
    this.#stay(this.#isolate.live.add(leg));
    const guessed = `${reason}, without its region, which did not answer`;
    return { kind: "granted", grant: { ...answer.grant, reason: guessed } };
  }

  #stay(leg: LiveGrant): void {
    this.#link.waitUntil(this.#isolate.live.stay(leg, () => this.#caller.send(leg.region)));
  }

  #wait(one: Waiting, ticket: string): void {
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

function regionOf({ fleet }: Isolate, pool: string): string {
  return fleet.pools.get(pool)?.region ?? "";
}

function after(ms: number): Promise<"late"> {
  return new Promise((resolve) => setTimeout(() => resolve("late"), ms));
}

function aborted(signal: AbortSignal | undefined): Promise<"left"> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve("left");
    signal?.addEventListener("abort", () => resolve("left"), { once: true });
  });
}
