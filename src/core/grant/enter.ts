import { asked } from "./breaker.ts";
import { heldElsewhere } from "./elsewhere.ts";
import type { Granted } from "./grant.ts";
import { decodingAt, type GrantAsk, type Offer, knownTokens, needOf } from "./offer.ts";
import { REPORTS_LATE_MS } from "./overdue.ts";
import { addPrompt, promptShare } from "./prompt-share.ts";
import { enterPull, type Pull } from "./pull.ts";
import { addWork } from "./recent-work.ts";
import { claimOf } from "./residency.ts";
import { observeReturn, PEACE } from "./returns.ts";
import { touch } from "./touch.ts";
import {
  type EngineState,
  type LiveGrant,
  type RegionState,
  decodeFactor,
  freeMsAt,
  prefillFactor,
} from "./region-state.ts";

/** A grant lapses when nothing was heard for this long after something should have been, ms. */
export const LEASE_MS = 15_000;
/** A prefill may take so much longer than predicted, as a share of it. */
const OFF_BY = 0.2;

type Choice = {
  readonly engine: EngineState;
  readonly ask: GrantAsk;
  readonly keys: Float64Array;
  readonly offer: Offer;
  readonly reason: string;
  readonly nowMs: number;
};

/** Enters a leg in the ledger: prefill work, KV cache and a decode slot, which are freed apart. */
export function enter(state: RegionState, choice: Choice): Granted {
  const { engine, ask, keys, offer, reason, nowMs } = choice;
  const { leg } = ask;
  const ticket = ask.ticket ?? `${ask.requestId}:${leg}:${state.nextTicket++}`;
  const booking = bookingOf(choice);
  const busy = { decoding: decodingAt(engine, nowMs), promptShare: promptShare(engine, nowMs) };
  const elsewhere = leg === "prefill" ? undefined : heldElsewhere(state, ask, keys);
  const live = liveOf(choice, ticket, booking);
  state.tickets.set(ticket, engine);
  book(choice, live, booking);
  remember(choice, live);
  asked(engine.breaker, ticket);
  return {
    ticket,
    engine: engine.id,
    pool: ask.pool,
    startAt: nowMs + offer.queueMs + offer.foreignMs + offer.slotMs,
    heldTokens: offer.heldTokens,
    prefillMs: booking.prefillMs,
    stepMs: booking.stepMs,
    ...busy,
    ...(elsewhere && { elsewhere }),
    reason,
    ...(live.pull && { pull: live.pull }),
  };
}

type Booking = {
  readonly prefillMs: number;
  readonly bookedMs: number;
  /** When what is pulled has come, and when the prompt is computed; epoch ms. */
  readonly pulledAt: number;
  readonly prefillEndsAt: number;
  readonly stepMs: number;
  readonly decodeMs: number;
  readonly needTokens: number;
};

/** What a leg takes at its engine, by what was learned of that. */
function bookingOf({ engine, ask, offer, nowMs }: Choice): Booking {
  const { leg } = ask;
  const prefillMs = offer.modelledPrefillMs * prefillFactor(engine, nowMs);
  const pulledAt = nowMs + (offer.pull?.ms ?? 0);
  const bookedMs = bookedFor(prefillMs);
  const prefillEndsAt = Math.max(pulledAt, engine.backlogUntil) + bookedMs;
  const stepMs = offer.modelledStepMs * decodeFactor(engine, nowMs);
  const decodeMs = leg === "prefill" ? 0 : stepMs * ask.ask.expectedOutputTokens;
  const needTokens = needOf(leg, ask.ask);
  return { prefillMs, bookedMs, pulledAt, prefillEndsAt, stepMs, decodeMs, needTokens };
}

/** The leg as the ledger has it from now on. */
function liveOf(
  { engine, ask, keys, offer, nowMs }: Choice,
  ticket: string,
  { prefillMs, bookedMs, prefillEndsAt, decodeMs, needTokens }: Booking,
): LiveGrant {
  const { leg, linkTokens } = ask;
  const indexed = Math.min(linkTokens.at(-1) ?? 0, ask.ask.promptTokens);
  return {
    ticket,
    leg,
    keys,
    linkTokens,
    heldTokens: offer.heldTokens,
    coveredTokens: offer.pull?.tokens ?? offer.heldTokens,
    pull: pullOf(offer),
    grantedAt: nowMs,
    prefillMs: bookedMs,
    prefillEndsAt,
    // Of a prefix that running legs share there is one copy.
    kvTokens:
      needTokens - Math.min(needTokens, engine.index.runningTokens(keys, linkTokens, nowMs)),
    unindexedTokens: Math.max(0, needTokens - indexed),
    slotTokens: leg === "prefill" ? 0 : needTokens,
    endsAt: prefillEndsAt + offer.slotMs + decodeMs,
    claim:
      leg === "decode" || offer.pull
        ? undefined
        : claimOf(engine, { keys, linkTokens }, ask.ask.promptTokens, nowMs),
    waitedForRoom: offer.slotMs > 0 || offer.foreignMs > 0,
    place: prefillMs > 0 ? engine.prompts++ : -1,
    outputTokens: ask.ask.expectedOutputTokens,
    modelledStepMs: offer.modelledStepMs,
    modelledPrefillMs: offer.modelledPrefillMs,
    firstTokenAt: undefined,
    freeMsThen: 0,
    leaseUntil: prefillEndsAt + offer.slotMs + LEASE_MS,
  };
}

/** Adds it to what its engine has to do and to hold. */
function book(
  { engine, offer, nowMs }: Choice,
  live: LiveGrant,
  { prefillMs, pulledAt, prefillEndsAt, decodeMs }: Booking,
): void {
  engine.grants.set(live.ticket, live);
  engine.byEnd = undefined;
  if (prefillMs > 0) engine.silent.push(live);
  // Its turn comes before its prefix does.
  if (pulledAt > Math.max(nowMs, engine.backlogUntil)) {
    engine.fetchesUntil = Math.max(engine.fetchesUntil, pulledAt);
  }
  if (offer.pull) enterPull(offer.pull.source, engine, pulledAt, live.ticket);
  if (prefillMs > 0) {
    engine.freeMs = freeMsAt(engine, nowMs);
    engine.backlogUntil = prefillEndsAt;
    addPrompt(engine, prefillMs, nowMs);
  }
  addWork(engine, prefillMs + decodeMs / (engine.batch + 1), nowMs);
  engine.batch += live.leg === "prefill" ? 0 : 1;
  engine.batchTokens += live.slotTokens;
  engine.kvTokens += live.kvTokens;
  engine.unindexedTokens += live.unindexedTokens;
}

/** Enters where its prefix will be, and when its conversation was there before. */
function remember({ engine, ask, keys, offer, nowMs }: Choice, live: LiveGrant): void {
  const { linkTokens, endsAt, prefillEndsAt } = live;
  const usedAt = engine.index.usedAt(keys, linkTokens);
  const pauseMs = usedAt === undefined ? undefined : nowMs - usedAt;
  observeReturn(engine.pool, ask.ask.promptTokens, knownTokens(ask, live.coveredTokens), pauseMs);
  // Entered before it is true, so that a burst of siblings follows the first of them.
  touch(engine, { keys, linkTokens }, nowMs, endsAt, prefillEndsAt);
  if (offer.crowdsOut) engine.peaceUntil = nowMs + PEACE * offer.evictedMs;
}

function pullOf({ pull }: Offer): Pull | undefined {
  return (
    pull && {
      from: pull.source.id,
      tokens: pull.tokens,
      movedTokens: pull.movedTokens,
      ms: pull.ms,
    }
  );
}

/**
 * What is booked for a prefill expected to take so long, ms. One that took less is known to have before this ends; one
 * that takes more would hide a queue behind it.
 */
export function bookedFor(prefillMs: number): number {
  return prefillMs + Math.max(0, OFF_BY * prefillMs - REPORTS_LATE_MS);
}
