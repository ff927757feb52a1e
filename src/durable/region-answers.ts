import { adopt } from "../core/grant/adopt.ts";
import { probed } from "../core/grant/probes.ts";
import { pulled } from "../core/grant/pulled.ts";
import type { Reserved } from "../core/grant/reserve.ts";
import { withdraw } from "../core/grant/reserve.ts";
import { done, failed, firstToken, released, renew, told } from "../core/grant/report.ts";
import type { RegionState } from "../core/grant/region-state.ts";
import { engineViews } from "../core/grant/views.ts";
import type {
  RegionAnswer,
  RegionEvent,
  RegionReports,
  RegionRunning,
  RegionSnapshot,
} from "../rpc/region-messages.ts";

/** Enters what a caller reports. Of grants that are not here any more nothing is said. */
export function applyReports(state: RegionState, reports: RegionReports, nowMs: number): void {
  for (const leg of reports.running) enterRunning(state, leg, nowMs);
  for (const event of reports.events) applyEvent(state, event, nowMs);
  for (const ticket of reports.renewed) renew(state, ticket, nowMs);
}

function enterRunning(state: RegionState, leg: RegionRunning, nowMs: number): void {
  const { ticket, engine, wanted, ranMs, firstTokenAfterMs } = leg;
  const grantedAt = nowMs - ranMs;
  if (!state.tickets.has(ticket)) adopt(state, { ...wanted, ticket }, engine, grantedAt);
  if (firstTokenAfterMs !== undefined) firstToken(state, ticket, grantedAt + firstTokenAfterMs);
  renew(state, ticket, nowMs);
}

function applyEvent(state: RegionState, event: RegionEvent, nowMs: number): void {
  if (event.event === "probed") return enterProbe(state, event, nowMs);
  const { ticket, failure, retryAfterMs, outputTokens, pool } = event;
  const grantedAt = state.tickets.get(ticket)?.grants.get(ticket)?.grantedAt ?? nowMs;
  const at = Math.min(nowMs, grantedAt + event.afterMs);
  hear(state, event, grantedAt, nowMs);
  if (event.event === "first-token") firstToken(state, ticket, at);
  else if (event.event === "done") done(state, ticket, at, outputTokens);
  else if (event.event === "failed") failed(state, ticket, at, failure, retryAfterMs);
  else if (event.event === "released") released(state, ticket, at);
  else {
    withdraw(state, pool, ticket, nowMs);
    released(state, ticket, nowMs);
  }
}

function enterProbe(state: RegionState, event: RegionEvent, nowMs: number): void {
  const { ticket, engine = "", told: heard, afterMs, isWell, kv } = event;
  probed(state, { ticket, engine }, { afterMs, load: heard?.load, isWell, kv }, nowMs);
}

/** Before the grant is ended: of one that has, nobody knows when its engine told it. */
function hear(state: RegionState, event: RegionEvent, grantedAt: number, nowMs: number): void {
  const { ticket, cachedShare } = event;
  if (event.pulled !== undefined) pulled(state, ticket, event.pulled, nowMs);
  if (event.told === undefined && cachedShare === undefined) return;
  const atMs = Math.min(nowMs, grantedAt + (event.told?.afterMs ?? 0));
  const tells = { ...(event.told && { load: event.told.load }), atMs, cachedShare };
  told(state, ticket, tells, nowMs);
}

/** An answer of the ledger with its times relative to now. */
export function relativeTo(nowMs: number, answer: Reserved): RegionAnswer {
  if (answer.kind === "refused") return answer;
  if (answer.kind === "granted") {
    const { startAt, ...grant } = answer.grant;
    return { kind: "granted", grant: { ...grant, startInMs: startAt - nowMs } };
  }
  const { ticket, startAt, askAt } = answer;
  return { kind: "queued", ticket, startInMs: startAt - nowMs, askInMs: askAt - nowMs };
}

/** Every engine of a region, without what differs from prompt to prompt. */
export function snapshotOf(state: RegionState, nowMs: number): RegionSnapshot {
  const engines = [...state.pools.keys()].flatMap((pool) =>
    engineViews(state, pool, NO_CHAIN, NO_LINKS, NOTHING_HELD, nowMs),
  );
  return {
    engines: engines.map((view) => ({
      engine: view.engine,
      queueMs: view.queueMs,
      batch: view.batch,
      batchTokens: view.batchTokens,
      kvFreeTokens: view.kvFreeTokens,
      prefillFactor: view.prefillFactor,
      decodeFactor: view.decodeFactor,
      healthy: view.healthy,
      ...(!view.healthy && { opensInMs: view.opensInMs ?? 0, rests: view.rests ?? false }),
      ...(view.heldTrust !== undefined && { heldTrust: view.heldTrust }),
      ...(view.overworkMs !== undefined && { overworkMs: view.overworkMs }),
      ...(view.promptShare !== undefined && { promptShare: view.promptShare }),
    })),
  };
}

const NO_CHAIN = new Uint8Array(0);
const NO_LINKS = new Uint32Array(0);
const NOTHING_HELD = {};
