import type { Random } from "../random.ts";
import { choose, reasonOf } from "./choose.ts";
import { enter } from "./enter.ts";
import type { Granted } from "./grant.ts";
import {
  DEADLINE_SLACK_MS,
  DISPATCH_AHEAD_MS,
  mayCrowdAt,
  mayGo,
  nextOpenAt,
  openEngines,
} from "./may-go.ts";
import type { GrantAsk } from "./offer.ts";
import { prefillFactor, type PoolState, type RegionState } from "./region-state.ts";

/** What decides how soon a waiting leg is let go. */
export type Standing = {
  readonly tenant: string;
  /** Larger goes first, whatever the others wait for. */
  readonly priority: number;
  /** When its first token has to be there, epoch ms; Infinity without one. */
  readonly deadlineAt: number;
  /** A leg that would wait longer is not taken in, ms; a minute unless told. */
  readonly longestWaitMs?: number;
};

/** A leg that waits in a region, or was let go and not yet fetched. */
export type Waiting = {
  readonly ticket: string;
  readonly ask: GrantAsk;
  readonly keys: Float64Array;
  readonly standing: Standing;
  readonly queuedAt: number;
  /** When somebody last asked for it, epoch ms. */
  claimedAt: number;
  /** Prefill at the engine it would go to, ms. */
  prefillMs: number;
  /** The same of what its conversation adds, ms. */
  readonly ownMs: number;
  /** When it is expected to be let go, epoch ms. */
  startAt: number;
  granted: Granted | undefined;
  /** When last looked at it had to wait for room that nobody is coming back for. */
  waitsForRoom: boolean;
};

/** Waiting that every leg begins with, so that what hardly waited goes by its length, ms. */
const HEAD_START_MS = 1000;
/** Shorter legs go as if they took so long, ms. */
const SHORTEST_MS = 20;
/** Waiting legs that one pass looks at, and how many more of those that wait for room. */
const MOST_LOOKED_AT = 64;
const MOST_FOR_ROOM = 16;
/**
 * Lets waiting legs go in their order: each to the engine where it would be done soonest, behind those before it, and
 * at once where that engine is about to run dry. One that had better wait for its cache waits.
 */
export function drain(state: RegionState, pool: PoolState, nowMs: number, random: Random): void {
  if (pool.queue.length === 0 || nowMs < pool.drainAt) return;
  pool.drainAt = nextOpenAt(pool, nowMs);
  let open = openEngines(pool, nowMs);
  if (open === 0) return;
  const aheadMs = new Float64Array(pool.engines.length);
  const isAlone = pool.queue.length === 1;
  for (const waiting of inOrder(pool, nowMs)) {
    const { ask, keys } = waiting;
    const choice = choose(pool, ask, keys, nowMs, random, aheadMs);
    if (choice === undefined) continue;
    const { engine, at, offer } = choice;
    const roomAt = isAlone ? nowMs : mayCrowdAt(choice, waiting);
    const forWhat = waiting.waitsForRoom ? "for room in its cache" : "in the queue";
    waiting.waitsForRoom = roomAt > nowMs;
    if (waiting.waitsForRoom) {
      waiting.startAt = roomAt;
      continue;
    }
    const before = aheadMs[at] ?? 0;
    waiting.prefillMs = offer.modelledPrefillMs * prefillFactor(engine, nowMs);
    if (before === 0 && mayGo(choice, nowMs)) {
      const reason = `${reasonOf(choice)}${waited(waiting, nowMs, forWhat)}`;
      waiting.granted = enter(state, { engine, ask, keys, offer, reason, nowMs });
      charge(pool, waiting);
      // The rest of a long queue need not be looked at while nobody of it can go.
      if (engine.backlogUntil - nowMs > DISPATCH_AHEAD_MS && --open === 0) break;
    } else {
      waiting.startAt = nowMs + Math.max(1, offer.queueMs + before - DISPATCH_AHEAD_MS);
      aheadMs[at] = before + waiting.prefillMs;
      // Nobody behind it goes there in this pass.
      if (before === 0 && offer.queueMs <= DISPATCH_AHEAD_MS && --open === 0) break;
    }
  }
  pool.drainAt = nextOpenAt(pool, nowMs);
}

/** Prefill that waits in a pool's queue for each of its engines, ms. */
export function waitingMs({ queue, engines }: PoolState): number {
  let ms = 0;
  for (const { granted, prefillMs } of queue) if (granted === undefined) ms += prefillMs;
  return ms / engines.length;
}

/** When a leg that comes new is expected to be let go: after the backlog, and its part of those before it. */
export function expectedStartAt(
  { queue, engines }: PoolState,
  one: Waiting,
  queueMs: number,
  nowMs: number,
): number {
  let beforeMs = 0;
  for (const other of queue) {
    const isBefore =
      other.standing.priority > one.standing.priority ||
      (other.standing.priority === one.standing.priority && rank(other, nowMs) <= rank(one, nowMs));
    if (isBefore && other.granted === undefined) beforeMs += other.prefillMs;
  }
  return nowMs + Math.max(1, queueMs + beforeMs / engines.length - DISPATCH_AHEAD_MS);
}

/** Priority first; then tenants in turn, the one that was given the least first; then deadlines; then the shortest. */
function* inOrder(pool: PoolState, nowMs: number): Generator<Waiting> {
  let looked = 0;
  let forRoom = 0;
  const given = new Map(pool.given);
  for (const byTenant of byPriority(pool, nowMs)) {
    while (byTenant.size > 0) {
      const tenant = leastGiven(byTenant.keys(), given);
      const waiting = byTenant.get(tenant)?.shift();
      if (waiting === undefined) {
        byTenant.delete(tenant);
        continue;
      }
      if (waiting.waitsForRoom && ++forRoom > MOST_FOR_ROOM) continue;
      if (!waiting.waitsForRoom && ++looked > MOST_LOOKED_AT) return;
      given.set(tenant, (given.get(tenant) ?? 0) + waiting.prefillMs);
      yield waiting;
    }
  }
}

/** Who waits, by priority and then by tenant; each tenant's in their order. */
function byPriority(pool: PoolState, nowMs: number): Map<string, Waiting[]>[] {
  const left = pool.queue.filter(({ granted }) => granted === undefined);
  const ranks = new Map(left.map((one) => [one, rank(one, nowMs)]));
  left.sort(
    (a, b) =>
      b.standing.priority - a.standing.priority ||
      Number(a.waitsForRoom) - Number(b.waitsForRoom) ||
      (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0),
  );
  const groups: Map<string, Waiting[]>[] = [];
  let group: Map<string, Waiting[]> | undefined;
  let priority: number | undefined;
  for (const waiting of left) {
    const { standing } = waiting;
    if (group === undefined || standing.priority !== priority) groups.push((group = new Map()));
    priority = standing.priority;
    const own = group.get(standing.tenant);
    if (own) own.push(waiting);
    else group.set(standing.tenant, [waiting]);
  }
  return groups;
}

/** The tenant that was given the least; of equals the one that comes first. */
function leastGiven(tenants: Iterable<string>, given: ReadonlyMap<string, number>): string {
  let least = "";
  let leastMs = Infinity;
  for (const tenant of tenants) {
    const ms = given.get(tenant) ?? 0;
    if (ms < leastMs) [least, leastMs] = [tenant, ms];
  }
  return least;
}

/**
 * Smaller goes first: legs about to miss their deadline, then by the highest response ratio, so that in a long queue
 * each leg waits in proportion to its length. Those who wait for room go by what they add themselves: a conversation
 * that lost its cache had begun, and goes before one that has yet to.
 */
function rank(waiting: Waiting, nowMs: number): number {
  const { standing, prefillMs, ownMs, queuedAt, waitsForRoom } = waiting;
  const lengthMs = waitsForRoom ? ownMs : prefillMs;
  const ratio = (nowMs - queuedAt + HEAD_START_MS) / Math.max(SHORTEST_MS, lengthMs);
  const isPressing = standing.deadlineAt - nowMs < prefillMs + DEADLINE_SLACK_MS;
  return isPressing ? -ratio - PRESSING : -ratio;
}

const PRESSING = 1e9;

/** What a tenant was given counts against it while others wait. */
function charge(pool: PoolState, { standing: { tenant }, prefillMs }: Waiting): void {
  if (pool.given.size === 0) {
    // A tenant that comes new stands level with the others.
    for (const { standing } of pool.queue) pool.given.set(standing.tenant, 0);
  }
  const least = Math.min(...pool.given.values());
  pool.given.set(tenant, (pool.given.get(tenant) ?? least) + prefillMs);
}

function waited({ queuedAt }: Waiting, nowMs: number, forWhat: string): string {
  const waitedMs = nowMs - queuedAt;
  return waitedMs >= 1 ? `, waited ${Math.round(waitedMs)} ms ${forWhat}` : "";
}
