import type { Pool } from "../fleet.ts";
import {
  type Breaker,
  closedBreaker,
  mayAsk,
  opensAt,
  probeEnded,
  rests,
} from "../grant/breaker.ts";
import type { Speed } from "../speed.ts";
import { fullForMs, type LimitState, type Need, type Taken, unknownLimits } from "./limits.ts";
import { firstTokenLine, nothingObserved, type Observed, stepMsOf } from "./observed.ts";

/** One engine of a pool that routes itself, as one isolate knows it. Mutable; times in epoch ms. */
export type Endpoint = {
  readonly id: string;
  readonly pool: Pool;
  readonly speed: Speed;
  readonly breaker: Breaker;
  readonly limits: LimitState;
  readonly observed: Observed;
  /** Requests of this isolate that it works on, by ticket. */
  readonly running: Map<string, Running>;
  /** Answers in a row that said it is full and not for how long. */
  fullInARow: number;
};

export type Running = {
  readonly taken: Taken;
  readonly uncachedTokens: number;
  readonly grantedAt: number;
  readonly endsAt: number;
  sentAt: number | undefined;
  firstTokenAt: number | undefined;
};

/** What a request is expected to take at an endpoint, ms. */
export type Expected = {
  /** Until its first token, less what its prompt takes. */
  readonly firstMs: number;
  readonly msPerToken: number;
  readonly stepMs: number;
};

/** A request whose end nobody told by then was ended by the runtime, ms. */
const LONGEST_RUN_MS = 600_000;

/** An endpoint of which nothing is known. */
export function endpointOf(id: string, pool: Pool, speed: Speed): Endpoint {
  return {
    id,
    pool,
    speed,
    breaker: closedBreaker(),
    limits: unknownLimits(),
    observed: nothingObserved(),
    running: new Map(),
    fullInARow: 0,
  };
}

/** Until an endpoint may be asked, ms; 0 when it may be now. `isFull` tells limits from failures. */
export function closedFor(
  endpoint: Endpoint,
  need: Need,
  nowMs: number,
): { readonly ms: number; readonly isFull: boolean } {
  const { breaker } = endpoint;
  forgetLost(endpoint, nowMs);
  const fullMs = Math.max(
    fullForMs(endpoint.limits, endpoint.pool.limits, need, nowMs),
    crowdedMs(endpoint, nowMs),
    rests(breaker, nowMs) ? breaker.restUntil - nowMs : 0,
  );
  if (fullMs > 0) return { ms: Math.max(fullMs, opensAt(breaker) - nowMs), isFull: true };
  // A half-open breaker whose one request is on its way has no time to tell.
  const ms = mayAsk(breaker, nowMs) ? 0 : Math.max(1, opensAt(breaker) - nowMs);
  return { ms, isFull: false };
}

/** Ms as they were seen, or undefined before anything was. */
export function seenOf({ observed, speed }: Endpoint, nowMs: number): Expected | undefined {
  const assumed = assumedOf(speed);
  const line = firstTokenLine(observed, { ...assumed, baseMs: assumed.firstMs }, nowMs);
  if (line === undefined) return undefined;
  const stepMs = stepMsOf(observed, assumed.stepMs, nowMs);
  return { firstMs: line.baseMs, msPerToken: line.msPerToken, stepMs };
}

/** What a request takes there: as seen, else as its device's figures say. */
export function expectedOf(endpoint: Endpoint, nowMs: number): Expected {
  return seenOf(endpoint, nowMs) ?? assumedOf(endpoint.speed);
}

/** A device's figures as a line through two prompts. */
function assumedOf(speed: Speed): Expected {
  const stepMs = speed.stepMs(1, LINE_TOKENS);
  const [one, many] = [speed.prefillMs(1, 0), speed.prefillMs(LINE_TOKENS, 0)];
  return { firstMs: one + stepMs, msPerToken: (many - one) / LINE_TOKENS, stepMs };
}

const LINE_TOKENS = 4000;

/** Frees what requests held that have been running for too long, the oldest first. */
function forgetLost({ running, breaker }: Endpoint, nowMs: number): void {
  for (const [ticket, { grantedAt }] of running) {
    if (nowMs - grantedAt <= LONGEST_RUN_MS) return;
    running.delete(ticket);
    probeEnded(breaker, ticket);
  }
}

/** Until one of as many requests as it takes at once is expected to end. */
function crowdedMs({ pool, running }: Endpoint, nowMs: number): number {
  const most = pool.limits?.concurrency;
  if (most === undefined) return 0;
  let soonest = Infinity;
  for (const { endsAt } of running.values()) soonest = Math.min(soonest, endsAt);
  return running.size < most ? 0 : Math.max(1, soonest - nowMs);
}
