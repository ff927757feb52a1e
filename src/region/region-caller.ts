import type { Clock } from "../core/clock.ts";
import type { Probe } from "../core/grant/probes.ts";
import type { Reserved } from "../core/grant/reserve.ts";
import { callObject } from "../rpc/call-object.ts";
import type { RegionStub } from "../rpc/objects.ts";
import {
  REGION_MESSAGES_VERSION,
  type RegionEvent,
  type RegionReports,
} from "../rpc/region-messages.ts";
import { type EngineProbes, probedEvent } from "./engine-probes.ts";
import type { LiveGrants } from "./live-grants.ts";
import { type Patience, patienceKey } from "./patience.ts";
import { answerAt, type NamedAsk, reserveMessage } from "./region-wire.ts";
import type { ReportBuffer } from "./report-buffer.ts";
import type { ClaimAsk, LegAhead } from "./service.ts";
import type { Snapshots } from "./snapshots.ts";

/** What one request brings along: objects are reached, and work outlives an answer, in its name. */
export type RegionLink = {
  /** A new stub each time. With `ahead` a region that can begins the leg when it grants it. */
  readonly object: (region: string, ahead?: LegAhead) => RegionStub;
  /** True for a region that does. */
  readonly runsAhead?: (region: string) => boolean;
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Round trips from here to each region, ms. */
  readonly rtt: {
    readonly ms: (region: string) => number;
    readonly observe: (region: string, ms: number) => void;
  };
};

/** What an isolate knows of regions and has to tell them. */
export type RegionKnowledge = {
  readonly clock: Clock;
  readonly live: LiveGrants;
  readonly reports: ReportBuffer;
  readonly snapshots: Snapshots;
  readonly patience: Patience;
  readonly probes: EngineProbes;
};

/** An answer that came, or that of a region to do without. */
export type Heard = Reserved | "lost";

/** Calls of Region objects in the name of one request. None of them throws. */
export class RegionCaller {
  readonly #knows: RegionKnowledge;
  readonly #link: RegionLink;

  constructor(knows: RegionKnowledge, link: RegionLink) {
    this.#knows = knows;
    this.#link = link;
  }

  /** Calls `reserve`; whatever waits to be reported goes with it. */
  async reserve(region: string, ask: NamedAsk, ahead?: LegAhead): Promise<Heard> {
    const { clock, snapshots, patience, live } = this.#knows;
    const startedAt = Date.now();
    const nowMs = clock.now();
    const reports = this.#takeReports(region);
    const snapshotAgeMs = snapshots.ageMs(region, nowMs);
    try {
      const message = reserveMessage(region, ask, { nowMs, snapshotAgeMs, reports });
      const reply = await this.#link.object(region, ahead).reserve(message);
      patience.observe(patienceKey(region, ahead), Date.now() - startedAt);
      if (!reply.ok) throw new TypeError(`a region answered ${reply.code}`);
      const heardAt = clock.now();
      const wayMs = Math.max(0, heardAt - nowMs - reply.tookMs);
      if (ahead === undefined) this.#link.rtt.observe(region, wayMs);
      if (live.heard(region, reply.memory)) this.#link.waitUntil(this.send(region));
      if (reply.snapshot) snapshots.keep(region, reply.snapshot, heardAt);
      if (reply.probes) this.#link.waitUntil(this.#probe(region, reply.probes));
      return answerAt(heardAt, reply.answer);
    } catch {
      this.#putBack(region, reports);
      return "lost";
    }
  }

  async claim(region: string, { pool, ticket }: ClaimAsk): Promise<Heard> {
    const message = { v: REGION_MESSAGES_VERSION, region, pool, ticket } as const;
    const reply = await callObject(
      () => this.#link.object(region),
      (stub) => stub.claim(message),
      { timeoutMs: CLAIM_TIMEOUT_MS },
    );
    if (reply.kind === "lost" || !reply.value.ok) return "lost";
    return answerAt(this.#knows.clock.now(), reply.value.answer);
  }

  /** Nobody waits for what comes of this ticket: an engine, a place in the queue, or nothing. */
  giveUp(region: string, pool: string, ticket: string): void {
    this.tellSoon(region, { ticket, event: "withdrawn", pool, afterMs: 0 });
  }

  /** Tells it with the next call, or in a moment. */
  tellSoon(region: string, event: RegionEvent): void {
    const { reports } = this.#knows;
    reports.add(region, event);
    this.#link.waitUntil(reports.sendLater(region, () => this.send(region)));
  }

  tellNow(region: string, event: RegionEvent): void {
    this.#knows.reports.add(region, event);
    this.#link.waitUntil(this.send(region));
  }

  async send(region: string): Promise<void> {
    const reports = this.#takeReports(region);
    const { events, renewed, running } = reports;
    if (events.length + renewed.length + running.length === 0) return;
    const message = { v: REGION_MESSAGES_VERSION, region, reports } as const;
    const told = await callObject(
      () => this.#link.object(region),
      (stub) => stub.report(message),
    );
    if (told.kind === "lost" || !told.value.ok) return this.#putBack(region, reports);
    if (this.#knows.live.heard(region, told.value.memory)) await this.send(region);
  }

  /** What is found out is worth no call of its own: it goes with the next, be it the report of the leg that asked. */
  #probe(region: string, due: readonly Probe[]): Promise<void> {
    const { probes, reports } = this.#knows;
    return probes.each(due, (probe, heard) => reports.add(region, probedEvent(probe, heard)));
  }

  #takeReports(region: string): RegionReports {
    const { reports, live } = this.#knows;
    const events = reports.take(region);
    return { events, renewed: live.toRenew(region), running: live.toTell(region) };
  }

  #putBack(region: string, { events, running }: RegionReports): void {
    this.#knows.reports.putBack(region, events);
    this.#knows.live.untold(running);
  }
}

/** Longer than a claim is held, and a round trip around the world, ms. */
const CLAIM_TIMEOUT_MS = 6000;
