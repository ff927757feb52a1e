import type { Link } from "../fleet.ts";
import { billedUsd } from "../prices.ts";
import { transferMs } from "../speed.ts";
import { fetched } from "./fetched.ts";
import { lostDiscountUsd } from "./discount.ts";
import { INTERFERENCE, type Leg, prefillMsAt } from "./legs.ts";
import { evictionRounds, returnChance, TURNS_AHEAD } from "./rounds.ts";
import { missesMore, missProbability } from "./miss.ts";
import type { Placement, Terms } from "./placement.ts";
import { isFed, type Scope } from "./scope.ts";

/** Part of a handoff that concurrent legs hide behind the prefill (layer by layer), 0..1. */
const OVERLAP = 0.5;
/** Sending, admitting and answering a second leg, beyond its round trip, ms. */
const SECOND_LEG_MS = 15;
/** Other pools' scores are multiplied by this when a rule prefers some. */
const UNPREFERRED = 1.25;

/** Both phases at one engine, or prefill where that is all. */
export function together(scope: Scope, leg: Leg): Placement {
  const { promptTokens, outputTokens } = scope;
  // What makes vectors has no first token to wait for.
  const tpotMs = outputTokens === 0 ? 0 : leg.tpotMs;
  const decodeMs = tpotMs * outputTokens;
  const share = 1 / (leg.view.batch + 1);
  const billed = leg.pool.routed === "itself" && leg.pool.perMTok;
  const waited = leg.queueMs + leg.slotMs;
  const terms = score(scope, [leg.pool.id], {
    rttMs: leg.reachMs,
    queueMs: waited,
    prefillMs: leg.prefillMs,
    handoffMs: 0,
    firstMs: tpotMs,
    ttftMs: leg.reachMs + waited + leg.prefillMs + tpotMs,
    tpotMs,
    harmMs: leg.prefillMs * INTERFERENCE * leg.view.batch + leg.overworkMs,
    harmUsd: harming(scope, leg),
    usd: billed
      ? billedUsd(billed, promptTokens, leg.heldTokens, outputTokens)
      : (leg.prefillMs + decodeMs * share) * leg.usdPerMs,
    joules: ((leg.prefillMs + decodeMs * share) * leg.speed.watts) / 1000,
    leaveUsd: leaving(scope, leg),
    awayUsd: away(scope, leg),
    evictUsd: evicting(scope, leg),
    completionMs: UNSCORED,
    missProbability: UNSCORED,
    score: UNSCORED,
  });
  return {
    mode: "together",
    decode: { pool: leg.pool.id, engine: leg.view.engine, heldTokens: leg.heldTokens },
    kvBytes: 0,
    terms,
  };
}

/** Prefill at one engine, decode at another; only tokens that D does not hold cross the link. */
export function disaggregated(scope: Scope, p: Leg, d: Leg, link: Link): Placement {
  const fetch = fetched(scope, p);
  const prefillMs = fetch?.prefillMs ?? p.prefillMs;
  const kvBytes = (scope.promptTokens - d.heldTokens) * scope.model.kvBytesPerToken;
  const handoffMs = transferMs(link, kvBytes);
  const serial = p.capabilities.order === "serial";
  const decodeWaitMs = d.queueMs + d.slotMs;
  const beforeP = p.reachMs + p.queueMs + prefillMs;
  const beforeD = d.reachMs + decodeWaitMs;
  const legsMs = serial
    ? beforeP + beforeD + handoffMs
    : Math.max(beforeP + handoffMs * (1 - OVERLAP), beforeD);
  const readyMs = legsMs + SECOND_LEG_MS;
  const decodeMs = (d.tpotMs * scope.outputTokens) / (d.view.batch + 1);
  const terms = score(scope, [p.pool.id, d.pool.id], {
    rttMs: SECOND_LEG_MS + (serial ? p.reachMs + d.reachMs : Math.max(p.reachMs, d.reachMs)),
    queueMs: serial ? p.queueMs + decodeWaitMs : Math.max(p.queueMs, decodeWaitMs),
    prefillMs,
    handoffMs,
    firstMs: d.tpotMs,
    ttftMs: readyMs + d.tpotMs,
    tpotMs: d.tpotMs,
    harmMs: prefillMs * INTERFERENCE * p.view.batch + p.overworkMs + d.overworkMs,
    harmUsd: harming(scope, p),
    usd: prefillMs * p.usdPerMs + decodeMs * d.usdPerMs + (kvBytes / 1e9) * link.usdPerGB,
    joules: (prefillMs * p.speed.watts + decodeMs * d.speed.watts) / 1000,
    leaveUsd: leaving(scope, d) + handingAgain(scope, d, link),
    awayUsd: away(scope, d),
    evictUsd: evicting(scope, p) + evicting(scope, d),
    completionMs: UNSCORED,
    missProbability: UNSCORED,
    score: UNSCORED,
  });
  return {
    mode: "disaggregated",
    prefill: {
      pool: p.pool.id,
      engine: p.view.engine,
      heldTokens: p.heldTokens,
      ...(fetch && { fetchedTokens: fetch.tokens }),
    },
    decode: { pool: d.pool.id, engine: d.view.engine, heldTokens: d.heldTokens },
    kvBytes: kvBytes + (fetch?.bytes ?? 0),
    terms,
  };
}

type Unscored = { -readonly [Name in keyof Terms]: Terms[Name] };

const UNSCORED = 0;

/** Fills in what follows from the other terms; in place, as a plan costs hundreds of placements. */
function score(scope: Scope, pools: readonly string[], terms: Unscored): Terms {
  const { fleet } = scope.input;
  const { missPenaltyUsd, joulePriceUsd } = fleet.prices;
  const completionMs = terms.ttftMs + terms.tpotMs * (scope.outputTokens - 1);
  const miss = missProbability(fleet.slo, scope.input.labels.urgency, terms, completionMs);
  const sum =
    terms.usd +
    terms.joules * joulePriceUsd +
    scope.valuePerMs * (completionMs + terms.harmMs) +
    missPenaltyUsd * miss +
    terms.harmUsd +
    terms.leaveUsd +
    terms.awayUsd +
    terms.evictUsd;
  const { preferred } = scope;
  const others = preferred.size > 0 && pools.some((pool) => !preferred.has(pool));
  terms.completionMs = completionMs;
  terms.missProbability = miss;
  terms.score = others ? sum * UNPREFERRED : sum;
  return terms;
}

/**
 * Those who decode there wait for the prompt, each as if its answer had this one's length, and may miss their objective.
 * Where no other pool could compute it, some wait for it wherever it goes.
 */
function harming({ input, outputTokens }: Scope, { pool, view, tpotMs, prefillMs }: Leg): number {
  const { slo, prices } = input.fleet;
  if (view.batch === 0 || !isFed(input.fleet, pool)) return 0;
  const { promptShare = 0 } = view;
  const missed = missesMore(slo, { tpotMs, promptShare, tokens: outputTokens }, prefillMs);
  return view.batch * missed * prices.missPenaltyUsd;
}

function leaving(scope: Scope, decode: Leg): number {
  const againUsd = leavingMs(scope, decode) * (scope.valuePerMs + decode.usdPerMs);
  return againUsd + lostDiscountUsd(scope, decode);
}

/**
 * What leaving the best cache costs beyond this turn. The recompute itself is in this turn's prefill, and afterwards
 * the new engine holds as much as the old one; what is left is the chance that the session has to move once more. Ms.
 */
export function leavingMs(scope: Scope, decode: Leg): number {
  const { promptTokens, bestHeld } = scope;
  const { remainingTurns } = scope.input.ask;
  if (bestHeld <= decode.heldTokens || remainingTurns <= 0) return 0;
  const { speed, view } = decode;
  const lostMs =
    prefillMsAt(speed, view, promptTokens, decode.heldTokens) -
    prefillMsAt(speed, view, promptTokens, bestHeld);
  return returnChance(remainingTurns) * lostMs;
}

/**
 * Others wait for their recompute as this one would, on an engine that is paid for as this one pays; and as they come
 * back they evict this one in turn.
 */
function evicting(scope: Scope, { displacedMs, usdPerMs }: Leg): number {
  const rounds = evictionRounds(scope.input.ask.remainingTurns);
  return rounds * displacedMs * (scope.valuePerMs + usdPerMs);
}

/** The way there in every later turn: the conversation is expected to stay where its cache will be. */
function away(scope: Scope, decode: Leg): number {
  const turns = Math.min(TURNS_AHEAD, scope.input.ask.remainingTurns);
  return turns * decode.reachMs * scope.valuePerMs;
}

/** A decode engine that keeps nothing is handed the whole prefix again in every later turn. */
function handingAgain(scope: Scope, decode: Leg, link: Link): number {
  if (decode.capabilities.keepsDecodePrefix !== false) return 0;
  const bytes = scope.promptTokens * scope.model.kvBytesPerToken;
  const turns = Math.min(TURNS_AHEAD, scope.input.ask.remainingTurns);
  const eachUsd = transferMs(link, bytes) * scope.valuePerMs + (bytes / 1e9) * link.usdPerGB;
  return turns * eachUsd;
}
