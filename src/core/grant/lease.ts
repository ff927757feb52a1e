import { LEASE_MS } from "./enter.ts";
import { type LiveGrant, type RegionState, engineOf, freeMsAt } from "./region-state.ts";
import { touch } from "./touch.ts";

/** What is kept of a grant elsewhere than in memory. */
export type Lease = { readonly engine: string; readonly live: LiveGrant };

/** A leg of which nothing new was heard for this long is worth to be kept, ms. */
const SILENT_MS = 10_000;

/** Grants whose legs outlived a silence: neither a first token nor an end came for long. */
export function silentGrants(state: RegionState, nowMs: number): Lease[] {
  const silent: Lease[] = [];
  for (const [ticket, { id, grants }] of state.tickets) {
    const live = grants.get(ticket);
    const heardAt = live?.firstTokenAt ?? live?.grantedAt ?? nowMs;
    if (live && nowMs - heardAt >= SILENT_MS) silent.push({ engine: id, live });
  }
  return silent;
}

/**
 * Enters a kept grant again, as it was; it lapses in one lease unless its caller renews it. False where its engine is
 * not known any more.
 */
export function restoreLease(state: RegionState, { engine: id, live }: Lease, nowMs: number) {
  const engine = engineOf(state, id);
  if (engine === undefined || state.tickets.has(live.ticket)) return false;
  const own: LiveGrant = { ...live, leaseUntil: nowMs + LEASE_MS };
  engine.grants.set(own.ticket, own);
  engine.byEnd = undefined;
  state.tickets.set(own.ticket, engine);
  if (own.leg !== "prefill") engine.batch += 1;
  if (own.prefillMs > 0) engine.silent.push(own);
  engine.batchTokens += own.slotTokens;
  engine.kvTokens += own.kvTokens;
  engine.unindexedTokens += own.unindexedTokens;
  if (own.prefillMs > 0 && own.prefillEndsAt > engine.backlogUntil) {
    engine.freeMs = freeMsAt(engine, nowMs);
    engine.backlogUntil = own.prefillEndsAt;
  }
  own.freeMsThen = freeMsAt(engine, nowMs);
  touch(engine, own, nowMs, own.endsAt, own.prefillEndsAt);
  return true;
}
