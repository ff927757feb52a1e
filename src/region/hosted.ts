import { closedFor, type Endpoint, endpointOf, seenOf } from "../core/hosted/endpoint.ts";
import { grantHosted } from "../core/hosted/grant.ts";
import { done, failed, firstToken, released, sent, toldLimits } from "../core/hosted/report.ts";
import type { Clock } from "../core/clock.ts";
import type { EngineView } from "../core/plan/placement.ts";
import type { Speed } from "../core/speed.ts";
import { CacheReports } from "./cache-reports.ts";
import type { EngineAccess } from "./engine-request.ts";
import { probeBy } from "./probe.ts";
import { runLeg } from "./run-leg.ts";
import type { LegReport, RegionService, ViewAsk } from "./service.ts";

export type HostedOptions = EngineAccess & {
  readonly speeds: ReadonlyMap<string, Speed>;
  readonly clock: Clock;
};

/** Pools that route themselves, as one isolate knows them. */
export type HostedPools = {
  /** Pool ids. */
  readonly ids: ReadonlySet<string>;
  views(ask: ViewAsk): readonly EngineView[];
  /** Their region service; `rttMs` is the way to a region and back. */
  service(rttMs: (region: string) => number): RegionService;
  /** Whether a ticket is of a grant made here. */
  granted(ticket: string): boolean;
};

/**
 * Pools that route themselves are asked straight from this isolate, as far as their limits allow: what is configured,
 * what their answers tell, and what they refuse. Nobody queues for them; without room the answer is when to come back.
 */
export function createHostedPools(options: HostedOptions): HostedPools {
  const pools = endpointsOf(options);
  const byTicket = new Map<string, Endpoint>();
  const reports = new CacheReports(
    probeBy((order, signal) => runLeg(options, order, signal)),
    Date.now,
    ONCE,
  );
  let tickets = 0;
  return {
    ids: new Set(pools.keys()),
    granted: (ticket) => ticket.startsWith(TICKET),
    views: ({ pool, linkTokens, held, now }) =>
      (pools.get(pool) ?? []).map((endpoint) =>
        viewOf(endpoint, linkTokens.at(-1) ?? 0, held[endpoint.id] ?? 0, now),
      ),
    service: (rttMs) => ({
      async reserve(ask) {
        const endpoints = pools.get(ask.pool) ?? [];
        const ticket = `${TICKET}${ask.requestId}:${ask.leg}:${++tickets}`;
        const answer = grantHosted(endpoints, ask, ticket, ask.now);
        if (answer.kind === "granted") {
          remember(
            byTicket,
            ticket,
            endpoints.find(({ id }) => id === answer.grant.engine),
          );
        }
        return answer;
      },
      claim: async () => ({ kind: "refused", reason: "nobody queues here", retryAfterMs: 0 }),
      withdraw: () => {},
      async run(order, signal) {
        const endpoint = byTicket.get(order.ticket);
        if (endpoint) sent(endpoint, order.ticket, options.clock.now());
        const answer = await runLeg(options, order, signal);
        const told = "rateLimits" in answer ? answer.rateLimits : undefined;
        if (endpoint && told) toldLimits(endpoint, order.ticket, told, options.clock.now());
        return answer;
      },
      report(report) {
        const endpoint = byTicket.get(report.ticket);
        if (endpoint === undefined) return;
        if (report.usage?.cachedTokens !== undefined) reports.saw(endpoint.id);
        enter(endpoint, report, rttMs(endpoint.pool.region));
        if (report.event !== "first-token") byTicket.delete(report.ticket);
      },
      reportsCache: (engine) => reports.of(engine),
    }),
  };
}

/** What tells these grants' tickets from those of regions. */
const TICKET = "hosted:";
const MOST_GRANTED = 10_000;
/** Every probe is paid for. */
const ONCE = { freshMs: Infinity, muteMs: Infinity };

function endpointsOf({ fleet, speeds }: HostedOptions): Map<string, Endpoint[]> {
  const pools = new Map<string, Endpoint[]>();
  for (const pool of fleet.pools.values()) {
    const speed = speeds.get(pool.id);
    if (pool.routed !== "itself" || speed === undefined) continue;
    pools.set(
      pool.id,
      pool.engines.map(({ id }) => endpointOf(id, pool, speed)),
    );
  }
  return pools;
}

/** Requests that the runtime ended leave theirs behind. */
function remember(byTicket: Map<string, Endpoint>, ticket: string, endpoint: Endpoint | undefined) {
  if (endpoint === undefined) return;
  byTicket.set(ticket, endpoint);
  for (const oldest of byTicket.keys()) {
    if (byTicket.size <= MOST_GRANTED) break;
    byTicket.delete(oldest);
  }
}

function enter(endpoint: Endpoint, report: LegReport, wayMs: number): void {
  const { ticket, event, usage, failure = "unreachable", retryAfterMs, now } = report;
  if (event === "first-token") firstToken(endpoint, ticket, wayMs, now);
  else if (event === "done") done(endpoint, ticket, usage, wayMs, now);
  else if (event === "failed") failed(endpoint, ticket, failure, retryAfterMs, now);
  else released(endpoint, ticket);
}

/** Their batches and memory are their own affair: they are planned as idle but for what was seen of them. */
function viewOf(
  endpoint: Endpoint,
  promptTokens: number,
  heldTokens: number,
  nowMs: number,
): EngineView {
  const { ms, isFull } = closedFor(endpoint, { inputTokens: promptTokens, outputTokens: 0 }, nowMs);
  const seen = seenOf(endpoint, nowMs);
  return {
    engine: endpoint.id,
    queueMs: 0,
    batch: 0,
    batchTokens: 0,
    heldTokens,
    roomInMs: 0,
    kvFreeTokens: 0,
    prefillFactor: 1,
    decodeFactor: 1,
    healthy: ms === 0,
    opensInMs: ms,
    rests: isFull,
    ...(seen !== undefined && { seen }),
  };
}
