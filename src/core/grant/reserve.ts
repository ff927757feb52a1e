import { linkKeys } from "../link-keys.ts";
import type { Random } from "../random.ts";
import { type GrantAsk, type Granted, type Refused, refusal, unknownPool } from "./grant.ts";
import { choose, reasonOf } from "./choose.ts";
import { enter } from "./enter.ts";
import { LONGEST_WAIT_MS, mayGo } from "./may-go.ts";
import { drain, expectedStartAt, type Standing, type Waiting } from "./queue.ts";
import { knownTokens, type Offer } from "./offer.ts";
import type { PoolState, RegionState } from "./region-state.ts";
import { released } from "./report.ts";

/** What a region answers at once: an engine, a place in its queue, or why neither. */
export type Reserved =
  | { readonly kind: "granted"; readonly grant: Granted }
  | {
      readonly kind: "queued";
      readonly ticket: string;
      /** When the leg is expected to be let go, epoch ms. */
      readonly startAt: number;
      /** When it is worth asking again, epoch ms. */
      readonly askAt: number;
    }
  | Refused;

/** A waiting leg that nobody asked for during this time is dropped, ms. */
const UNCLAIMED_MS = 6000;

/** Grants an engine for one leg if one is about to run dry, else puts the leg in the queue. */
export function reserve(
  state: RegionState,
  ask: GrantAsk,
  standing: Standing,
  nowMs: number,
  random: Random,
): Reserved {
  const pool = state.pools.get(ask.pool);
  if (pool === undefined) return unknownPool(ask.pool);
  dropUnclaimed(state, pool, nowMs);
  const keys = linkKeys(ask.chain);
  const choice = choose(pool, ask, keys, nowMs, random);
  if (choice === undefined) return refusal(pool, nowMs);
  if (pool.queue.length === 0 && mayGo(choice, nowMs)) {
    const { engine, offer } = choice;
    const reason = reasonOf(choice);
    return { kind: "granted", grant: enter(state, { engine, ask, keys, offer, reason, nowMs }) };
  }
  const waiting = newcomer(state, pool, ask, { keys, standing, offer: choice.offer, nowMs });
  pool.queue.push(waiting);
  pool.drainAt = 0;
  drain(state, pool, nowMs, random);
  const limitAt = Math.min(
    nowMs + (standing.longestWaitMs ?? LONGEST_WAIT_MS),
    standing.deadlineAt - waiting.prefillMs,
  );
  if (waiting.granted === undefined && waiting.startAt > limitAt) {
    leave(pool, waiting);
    const reason = "the queue is longer than the request can wait";
    return { kind: "refused", reason, retryAfterMs: Math.max(1000, waiting.startAt - limitAt) };
  }
  return answerTo(pool, waiting);
}

/** A leg that will wait, with when it may expect to be let go. */
function newcomer(
  state: RegionState,
  pool: PoolState,
  ask: GrantAsk,
  known: Pick<Waiting, "keys" | "standing"> & { readonly offer: Offer; readonly nowMs: number },
): Waiting {
  const { keys, standing, offer, nowMs } = known;
  const waiting: Waiting = {
    ticket: ask.ticket ?? `${ask.requestId}:${ask.leg}:q${state.nextTicket++}`,
    ask,
    keys,
    standing,
    queuedAt: nowMs,
    claimedAt: nowMs,
    prefillMs: offer.modelledPrefillMs,
    ownMs: pool.speed.prefillMs(ask.ask.promptTokens, knownTokens(ask), ask.ask.longestTokens),
    waitsForRoom: false,
    startAt: nowMs,
    granted: undefined,
  };
  waiting.startAt = expectedStartAt(pool, waiting, offer.queueMs, nowMs);
  return waiting;
}

/** Asks after a leg in the queue; refused when it is not there any more. */
export function claim(
  state: RegionState,
  poolId: string,
  ticket: string,
  nowMs: number,
  random: Random,
): Reserved {
  const pool = state.pools.get(poolId);
  if (pool) dropUnclaimed(state, pool, nowMs);
  const waiting = pool?.queue.find((one) => one.ticket === ticket);
  if (pool === undefined || waiting === undefined) {
    return { kind: "refused", reason: "the place in the queue was given up", retryAfterMs: 0 };
  }
  waiting.claimedAt = nowMs;
  drain(state, pool, nowMs, random);
  return answerTo(pool, waiting);
}

/** Legs of a pool that may go now, out of its queue: for one who holds the claims of all that wait in it. */
export function letGo(
  state: RegionState,
  poolId: string,
  nowMs: number,
  random: Random,
): { readonly ticket: string; readonly granted: Granted }[] {
  const pool = state.pools.get(poolId);
  if (pool === undefined) return [];
  drain(state, pool, nowMs, random);
  const gone: { readonly ticket: string; readonly granted: Granted }[] = [];
  for (const waiting of pool.queue.slice()) {
    const { ticket, granted } = waiting;
    if (granted === undefined) continue;
    leave(pool, waiting);
    gone.push({ ticket, granted });
  }
  return gone;
}

/** The caller took another placement, or left. */
export function withdraw(state: RegionState, poolId: string, ticket: string, nowMs: number): void {
  const pool = state.pools.get(poolId);
  const waiting = pool?.queue.find((one) => one.ticket === ticket);
  if (pool === undefined || waiting === undefined) return;
  leave(pool, waiting);
  if (waiting.granted) released(state, waiting.granted.ticket, nowMs);
}

function answerTo(pool: PoolState, waiting: Waiting): Reserved {
  const { granted, ticket, startAt } = waiting;
  if (granted === undefined) {
    return { kind: "queued", ticket, startAt, askAt: pool.drainAt };
  }
  leave(pool, waiting);
  return { kind: "granted", grant: granted };
}

function leave(pool: PoolState, waiting: Waiting): void {
  pool.queue.splice(pool.queue.indexOf(waiting), 1);
  if (pool.queue.length === 0) pool.given.clear();
}

function dropUnclaimed(state: RegionState, pool: PoolState, nowMs: number): void {
  const stale = pool.queue.filter(({ claimedAt }) => nowMs - claimedAt > UNCLAIMED_MS);
  for (const waiting of stale) {
    leave(pool, waiting);
    if (waiting.granted) released(state, waiting.granted.ticket, nowMs);
  }
}
