import type { EngineState, PoolState } from "./region-state.ts";

/** What an engine told of all that it has to do, whoever asked. What it did not tell is absent: unknown, never 0. */
export type ToldLoad = {
  readonly running?: number | undefined;
  readonly waiting?: number | undefined;
  /** Prompt tokens that those who wait have yet to get computed. */
  readonly waitingTokens?: number | undefined;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUse?: number | undefined;
};

/** What others than this ledger's callers have running and waiting at an engine. */
export type Foreign = {
  /** Work of those who wait, ms. */
  readonly waitingMs: number;
  readonly running: number;
  readonly kvTokens: number;
};

/** The same as it was at a time, epoch ms. */
export type ForeignThen = Foreign & { readonly at: number };

/** A leg that is not in the ledger any more, and may be in what the engine tells still. */
export type EndedLeg = { readonly endedAt: number; readonly kvTokens: number };

/** Nothing was told yet. */
export function noForeign(): ForeignThen {
  return { ...NOTHING, at: -Infinity };
}

/** What is left of it now: who asked for it may have gone, and is told anew if not. */
export function foreignAt({ foreign }: EngineState, nowMs: number): Foreign {
  const { at, waitingMs, running, kvTokens } = foreign;
  if (waitingMs + running + kvTokens === 0) return NOTHING;
  const left = 0.5 ** (Math.max(0, nowMs - at) / HALF_LIFE_MS);
  if (left < LEAST_LEFT) return NOTHING;
  return { waitingMs: waitingMs * left, running: running * left, kvTokens: kvTokens * left };
}

/**
 * Enters what an engine told at `atMs`, less what this ledger had there at that time: in doubt a leg is one of its own,
 * so that none counts twice. What is old, or older than what is known, says nothing.
 */
export function hearLoad(engine: EngineState, load: ToldLoad, atMs: number, nowMs: number): void {
  const { pool } = engine;
  const isOld = nowMs - atMs > FRESH_MS || atMs < engine.foreign.at;
  if (isOld || pool.pool.routed !== "us") return;
  const own = ownAt(engine, atMs);
  const before = foreignAt(engine, atMs);
  const { kvUse } = load;
  const others = othersIn(load, own);
  engine.foreign = {
    at: atMs,
    waitingMs: others.waiting === undefined ? before.waitingMs : workMs(pool, load, others.waiting),
    running: others.running ?? before.running,
    kvTokens:
      kvUse === undefined
        ? before.kvTokens
        : Math.max(0, kvUse * pool.speed.kvTokens - own.kvTokens),
  };
}

/** True when the engine told of its load a moment ago. */
export function isFresh({ foreign }: EngineState, nowMs: number, withinMs: number): boolean {
  return nowMs - foreign.at < withinMs;
}

/** Keeps in mind a leg that has left the ledger. */
export function rememberEnd({ ended }: EngineState, leg: EndedLeg): void {
  while (ended[0] !== undefined && ended[0].endedAt < leg.endedAt - FRESH_MS - LATE_MS) {
    ended.shift();
  }
  ended.push(leg);
}

const NOTHING: Foreign = { waitingMs: 0, running: 0, kvTokens: 0 };
const HALF_LIFE_MS = 3000;
/** Less of it is nothing. */
const LEAST_LEFT = 0.01;
/** What was told longer ago says nothing of now, ms. */
const FRESH_MS = 3000;
/** An engine may go on with a leg, or count it, for so long after the ledger has freed it, ms. */
const LATE_MS = 1000;
/** Two clocks, and the way between them, make that much of a difference, ms. */
const CLOCKS_APART_MS = 500;
/** A request of which nothing is known is taken to have so many tokens. */
const TYPICAL_TOKENS = 1000;

type Own = ReturnType<typeof ownAt>;

/** Requests of others; undefined where the engine did not tell. */
function othersIn({ running, waiting }: ToldLoad, own: Own) {
  if (waiting === undefined || running === undefined) {
    const others = (told: number | undefined, ours: number) =>
      told === undefined ? undefined : Math.max(0, told - ours);
    return { waiting: others(waiting, own.mayWait), running: others(running, own.legs) };
  }
  // Which of them are whose is not known.
  const others = Math.max(0, running + waiting - own.legs);
  const othersWait = others * (waiting / Math.max(1, running + waiting));
  return { waiting: othersWait, running: others - othersWait };
}

/** Legs of this ledger that may be among those that an engine told of. */
function ownAt({ grants, ended }: EngineState, atMs: number) {
  let legs = 0;
  let mayWait = 0;
  let kvTokens = 0;
  for (const live of grants.values()) {
    if (live.grantedAt > atMs + CLOCKS_APART_MS) continue;
    legs += 1;
    if (live.firstTokenAt === undefined) mayWait += 1;
    kvTokens += live.kvTokens;
  }
  for (const leg of ended) {
    if (leg.endedAt < atMs - LATE_MS) continue;
    legs += 1;
    mayWait += 1;
    kvTokens += leg.kvTokens;
  }
  return { legs, mayWait, kvTokens };
}

/** By their tokens where those are told, else as much for each as legs of the pool usually take. */
function workMs({ speed, work }: PoolState, load: ToldLoad, others: number): number {
  const { waiting = 0, waitingTokens } = load;
  if (others === 0) return 0;
  if (waitingTokens !== undefined) return (speed.prefillMs(waitingTokens, 0) * others) / waiting;
  return others * (work.legs > 0 ? work.ms / work.legs : speed.prefillMs(TYPICAL_TOKENS, 0));
}
