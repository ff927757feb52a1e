import { mayAsk } from "./breaker.ts";
import type { Choice } from "./choose.ts";
import type { Waiting } from "./queue.ts";
import { type PoolState, prefillFactor } from "./region-state.ts";

/**
 * An engine is given more work when what it has is modelled to last less than this, ms: reports of its end come late.
 * It covers the way of the answer and the request; what is given sooner may find another engine free before this one.
 */
export const DISPATCH_AHEAD_MS = 150;
/** A deadline closer than this beyond the leg's own prefill goes before shorter legs, ms. */
export const DEADLINE_SLACK_MS = 500;
/** Breakers close and waiting legs age without a sign: the queue is looked at this often at least, ms. */
const LONGEST_REST_MS = 1000;
/** A leg waits for room no longer than this part of all that it would wait. */
const ROOM_SHARE = 0.5;
/** How long a leg waits that does not say, ms. */
export const LONGEST_WAIT_MS = 60_000;

/**
 * When a leg may push out conversations that had better stay while others wait, epoch ms: once the engine has made up
 * for those that were pushed out there before.
 */
export function mayCrowdAt({ engine, offer }: Choice, { standing, queuedAt }: Waiting): number {
  if (!offer.crowdsOut) return -Infinity;
  const longestMs = ROOM_SHARE * (standing.longestWaitMs ?? LONGEST_WAIT_MS);
  const pressingAt = standing.deadlineAt - offer.modelledPrefillMs - DEADLINE_SLACK_MS;
  return Math.min(queuedAt + longestMs, pressingAt, engine.peaceUntil);
}

/**
 * True when the engine is about to run dry. An engine computes what is sent while a leg fetches its prefix, so longer
 * ones wait here until that has come.
 */
export function mayGo({ engine, offer }: Choice, nowMs: number): boolean {
  if (offer.queueMs > DISPATCH_AHEAD_MS) return false;
  const fetchMs = engine.fetchesUntil - nowMs;
  return fetchMs <= 0 || offer.modelledPrefillMs * prefillFactor(engine, nowMs) <= fetchMs;
}

/** Engines that may be given more at once. */
export function openEngines({ engines }: PoolState, nowMs: number): number {
  let open = 0;
  for (const { backlogUntil, breaker } of engines) {
    if (backlogUntil - nowMs <= DISPATCH_AHEAD_MS && mayAsk(breaker, nowMs)) open++;
  }
  return open;
}

/** When the next engine of a pool is about to run dry, epoch ms. One that is dry already is wanted by nobody. */
export function nextOpenAt(pool: PoolState, nowMs: number): number {
  let soonest = Infinity;
  for (const { backlogUntil, fetchesUntil } of pool.engines) {
    const openAt = backlogUntil - DISPATCH_AHEAD_MS;
    if (openAt > nowMs) soonest = Math.min(soonest, openAt);
    if (fetchesUntil > nowMs) soonest = Math.min(soonest, fetchesUntil);
  }
  return Math.min(soonest, nowMs + LONGEST_REST_MS);
}
