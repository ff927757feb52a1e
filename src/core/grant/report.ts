import { countFailure, probeEnded, rest, succeeded } from "./breaker.ts";
import { LEASE_MS } from "./enter.ts";
import { takePrompt } from "./prompt-share.ts";
import { hearLoad, rememberEnd, type ToldLoad } from "./foreign.ts";
import { hearCached } from "./residency.ts";
import {
  type EngineState,
  type LiveGrant,
  type RegionState,
  decodeFactor,
  freeMsAt,
  prefillFactor,
} from "./region-state.ts";
import { touch } from "./touch.ts";
import { learnDecode, learnPrefill } from "./trust.ts";

/** Answers this many times longer than expected keep their grant without being renewed. */
const DECODE_SLACK = 4;
/** Kinds of failure that say nothing about the engine's health. */
const NOT_THE_ENGINE = new Set(["caller", "aborted", "handoff"]);

/** The leg gave its first token: its prefill is done, and what was modelled behind it moves up. */
export function firstToken(state: RegionState, ticket: string, nowMs: number): void {
  const [engine, live] = find(state, ticket);
  if (live === undefined || live.firstTokenAt !== undefined) return;
  learnPrefill(engine, live, nowMs);
  freePrefill(engine, live, nowMs);
  live.firstTokenAt = nowMs;
  live.freeMsThen = freeMsAt(engine, nowMs);
  // Generous, as a caller that does not renew may be streaming a longer answer than expected.
  const decodeMs = live.outputTokens * live.modelledStepMs * decodeFactor(engine, nowMs);
  live.leaseUntil = nowMs + LEASE_MS + DECODE_SLACK * decodeMs;
  succeeded(engine.breaker);
}

/** The leg ended well; `outputTokens`, where reported, correct the engine's measured speed. */
export function done(
  state: RegionState,
  ticket: string,
  nowMs: number,
  outputTokens?: number,
): void {
  const [engine, live] = find(state, ticket);
  if (live === undefined) return;
  if (live.leg === "prefill") firstToken(state, ticket, nowMs);
  if (outputTokens !== undefined) learnDecode(engine, live, outputTokens, nowMs);
  end(state, engine, live, nowMs);
  touch(engine, live, nowMs);
  succeeded(engine.breaker);
}

/**
 * The leg failed; `kind` is a `LegFailure` kind. Three in a row leave the engine alone for a while; one that says when
 * to come back is left alone until then.
 */
export function failed(
  state: RegionState,
  ticket: string,
  nowMs: number,
  kind = "unreachable",
  retryAfterMs?: number,
): void {
  const [engine, live] = find(state, ticket);
  if (live === undefined) return;
  end(state, engine, live, nowMs);
  if (live.firstTokenAt === undefined) {
    engine.index.forget(live.keys, live.linkTokens, live.heldTokens);
  }
  if (NOT_THE_ENGINE.has(kind)) return probeEnded(engine.breaker, ticket);
  if (kind === "overloaded" && retryAfterMs !== undefined) {
    rest(engine.breaker, nowMs + retryAfterMs);
    return probeEnded(engine.breaker, ticket);
  }
  const opened = countFailure(engine.breaker, ticket, nowMs);
  // An engine that stopped answering has most likely lost its cache as well.
  if (opened && kind === "unreachable") engine.index.clear();
}

/** The caller left, or took another placement. */
export function released(state: RegionState, ticket: string, nowMs: number): void {
  const [engine, live] = find(state, ticket);
  if (live === undefined) return;
  end(state, engine, live, nowMs);
  if (live.firstTokenAt === undefined) {
    const prefillMs = live.modelledPrefillMs * prefillFactor(engine, nowMs);
    takePrompt(engine, prefillMs, live.grantedAt);
    engine.index.forget(live.keys, live.linkTokens, live.heldTokens);
  }
  probeEnded(engine.breaker, ticket);
}

/** What the engine of a leg told with its answer: its load at `atMs`, and which share of the prompt it found cached. */
export function told(
  state: RegionState,
  ticket: string,
  tells: {
    readonly load?: ToldLoad;
    readonly atMs: number;
    readonly cachedShare?: number | undefined;
  },
  nowMs: number,
): void {
  const [engine, live] = find(state, ticket);
  if (live === undefined) return;
  const { load, atMs, cachedShare } = tells;
  if (load !== undefined) hearLoad(engine, load, atMs, nowMs);
  if (cachedShare !== undefined) hearCached(engine, live.claim, cachedShare);
}

/** The caller is still there. False when the grant has lapsed or ended. */
export function renew(state: RegionState, ticket: string, nowMs: number): boolean {
  const [, live] = find(state, ticket);
  if (live === undefined) return false;
  live.leaseUntil = Math.max(live.leaseUntil, nowMs + LEASE_MS);
  return true;
}

/** Frees every grant that was not renewed in time; returns how many. */
export function lapse(state: RegionState, nowMs: number): number {
  let count = 0;
  for (const [ticket, engine] of state.tickets) {
    const live = engine.grants.get(ticket);
    if (live === undefined || live.leaseUntil >= nowMs) continue;
    released(state, ticket, nowMs);
    count++;
  }
  return count;
}

function find(
  state: RegionState,
  ticket: string,
): [EngineState, LiveGrant] | [undefined, undefined] {
  const engine = state.tickets.get(ticket);
  const live = engine?.grants.get(ticket);
  return engine && live ? [engine, live] : [undefined, undefined];
}

/** Frees what a grant still holds: prefill work, KV cache and slot. */
function end(state: RegionState, engine: EngineState, live: LiveGrant, nowMs: number): void {
  freePrefill(engine, live, nowMs);
  engine.batch -= live.leg === "prefill" ? 0 : 1;
  engine.batchTokens -= live.slotTokens;
  engine.kvTokens -= live.kvTokens;
  engine.unindexedTokens -= live.unindexedTokens;
  engine.grants.delete(live.ticket);
  rememberEnd(engine, { endedAt: nowMs, kvTokens: live.kvTokens });
  engine.pool.drainAt = 0;
  engine.byEnd = undefined;
  state.tickets.delete(live.ticket);
}

/** Takes the modelled rest of a prefill out of the backlog. Late ends add nothing: they move the measured speed. */
function freePrefill(engine: EngineState, live: LiveGrant, nowMs: number): void {
  const at = engine.silent.indexOf(live);
  if (at >= 0) engine.silent.splice(at, 1);
  const restMs = Math.min(live.prefillMs, live.prefillEndsAt - nowMs);
  live.prefillMs = 0;
  if (restMs <= 0) return;
  engine.pool.drainAt = 0;
  engine.backlogUntil -= restMs;
  for (const other of engine.grants.values()) {
    if (other.prefillEndsAt > live.prefillEndsAt) other.prefillEndsAt -= restMs;
  }
}
