import { LEASE_MS } from "./grant.ts";
import type { EngineState, LiveGrant, RegionState } from "./region-state.ts";

const FAILURES_TO_OPEN = 3;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;
const WEIGHT = 0.2;

/** The leg gave its first token: its prefill is done, and took as long as it took. */
export function firstToken(state: RegionState, ticket: string, now: number): void {
  const grant = state.grants.get(ticket);
  const engine = grant && state.engines.get(grant.engine);
  if (grant === undefined || engine === undefined) return;
  grant.leaseUntil = Infinity;
  correctBacklog(engine, grant, now);
  engine.failures = 0;
}

/** The leg ended well. */
export function done(state: RegionState, ticket: string, now: number): void {
  const grant = free(state, ticket, now);
  const engine = grant && state.engines.get(grant.engine);
  if (engine !== undefined) engine.failures = 0;
}

/** The leg failed by the engine's fault: after three in a row the engine is left alone for a while. */
export function failed(state: RegionState, ticket: string, now: number): void {
  const grant = free(state, ticket, now);
  const engine = grant && state.engines.get(grant.engine);
  if (engine === undefined) return;
  engine.index.clear();
  engine.failures += 1;
  if (engine.failures < FAILURES_TO_OPEN) return;
  const pause = FIRST_PAUSE_MS * 2 ** (engine.failures - FAILURES_TO_OPEN);
  engine.closedUntil = now + Math.min(LONGEST_PAUSE_MS, pause);
}

/** The leg was not run, or ended because the caller left. */
export function released(state: RegionState, ticket: string, now: number): void {
  free(state, ticket, now);
}

/** Frees grants that nobody renewed. */
export function lapse(state: RegionState, now: number): void {
  for (const { ticket, leaseUntil } of state.grants.values()) {
    // Grants are kept in the order they were made, so the first live one ends the search.
    if (leaseUntil > now) break;
    free(state, ticket, now);
  }
}

/** Renews a grant whose leg still runs. */
export function renew(state: RegionState, ticket: string, now: number): void {
  const grant = state.grants.get(ticket);
  if (grant !== undefined) grant.leaseUntil = Math.max(grant.leaseUntil, now + LEASE_MS);
}

function free(state: RegionState, ticket: string, now: number): LiveGrant | undefined {
  const grant = state.grants.get(ticket);
  const engine = grant && state.engines.get(grant.engine);
  if (grant === undefined || engine === undefined) return undefined;
  state.grants.delete(ticket);
  if (grant.isDecoding) {
    engine.decodes -= 1;
    engine.contextTokens -= grant.contextTokens;
  }
  // Work that was not begun is not ahead of anybody any more.
  if (now < grant.startAt) engine.busyUntil = Math.max(now, engine.busyUntil - grant.prefillMs);
  else if (grant.leg === "prefill") correctBacklog(engine, grant, now);
  return grant;
}

function correctBacklog(engine: EngineState, grant: LiveGrant, now: number): void {
  const expectedEnd = grant.startAt + grant.prefillMs;
  const late = now - expectedEnd;
  if (late < 0) engine.busyUntil = Math.max(now, engine.busyUntil + late);
  if (grant.prefillMs < 20) return;
  const factor = (now - grant.startAt) / Math.max(1, grant.prefillMs);
  const seen = Math.min(8, Math.max(0.25, factor * engine.prefillFactor));
  engine.prefillFactor += (seen - engine.prefillFactor) * WEIGHT;
}
