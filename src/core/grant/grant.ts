import { chainKeys } from "../block-lru.ts";
import type { LegKind } from "../leg.ts";
import type { Ask } from "../plan/placement.ts";
import type { Random } from "../random.ts";
import { heldTokens } from "./held.ts";
import type { EngineState, RegionState } from "./region-state.ts";

/** What a leg asks of a pool. */
export type GrantAsk = {
  readonly leg: LegKind;
  readonly pool: string;
  readonly ask: Ask;
  readonly chain: Uint8Array;
  readonly linkTokens: Uint32Array;
  readonly held: Readonly<Record<string, number>>;
  readonly avoid: readonly string[];
  /** Prompt tokens that a handoff brings along. */
  readonly handedTokens: number;
};

export type GrantAnswer =
  | {
      readonly kind: "granted";
      readonly grant: {
        readonly ticket: string;
        readonly engine: string;
        readonly pool: string;
        readonly startAt: number;
        readonly heldTokens: number;
        readonly prefillMs: number;
        readonly stepMs: number;
        readonly reason: string;
      };
    }
  | { readonly kind: "refused"; readonly reason: string; readonly retryAfterMs: number };

/** A grant that is not renewed lapses after this. */
export const LEASE_MS = 15_000;
/** Engines within this share of the best, or this many ms, are as good. */
const NEAR = 1.02;
const NEAR_MS = 2;
const INTERFERENCE = 0.5;

type Option = {
  readonly engine: EngineState;
  readonly heldTokens: number;
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly costMs: number;
};

/** Chooses the engine of a pool that will be done with this leg soonest, and books it. O(engines of the pool). */
export function grant(state: RegionState, ask: GrantAsk, now: number, random: Random): GrantAnswer {
  const engines = state.byPool.get(ask.pool) ?? [];
  const keys = chainKeys(ask.chain);
  const open = engines.filter(
    ({ id, closedUntil }) => closedUntil <= now && !ask.avoid.includes(id),
  );
  if (open.length === 0) {
    const reopenAt = Math.min(...engines.map(({ closedUntil }) => closedUntil));
    const retryAfterMs = Number.isFinite(reopenAt) ? Math.max(1000, reopenAt - now) : 1000;
    return { kind: "refused", reason: "no healthy engine", retryAfterMs };
  }
  const options = open.map((engine) => optionOf(engine, ask, keys, now));
  const best = Math.min(...options.map(({ costMs }) => costMs));
  const near = options.filter(({ costMs }) => costMs <= best * NEAR + NEAR_MS);
  const chosen = near[Math.floor(random() * near.length)] ?? options[0];
  if (chosen === undefined) throw new TypeError("a non-empty list has a first entry");
  return { kind: "granted", grant: book(state, chosen, ask, keys, now, options.length) };
}

function optionOf(
  engine: EngineState,
  ask: GrantAsk,
  keys: readonly string[],
  now: number,
): Option {
  const { promptTokens, expectedOutputTokens } = ask.ask;
  const held = heldTokens(engine, keys, ask.linkTokens, ask.held);
  const ready = Math.min(promptTokens, Math.max(held, ask.handedTokens));
  const prefillMs = engine.speed.prefillMs(promptTokens, ready) * engine.prefillFactor;
  const queueMs = Math.max(0, engine.busyUntil - now);
  const stepMs = engine.speed.stepMs(engine.decodes + 1, engine.contextTokens + promptTokens);
  const decodeMs = ask.leg === "prefill" ? 0 : stepMs * expectedOutputTokens;
  const fullMs = engine.decodes >= engine.maxBatch ? decodeMs : 0;
  const harmMs = prefillMs * INTERFERENCE * engine.decodes;
  return {
    engine,
    heldTokens: held,
    queueMs,
    prefillMs,
    costMs: queueMs + prefillMs + decodeMs + fullMs + harmMs,
  };
}

function book(
  state: RegionState,
  { engine, heldTokens: held, queueMs, prefillMs }: Option,
  ask: GrantAsk,
  keys: readonly string[],
  now: number,
  choices: number,
) {
  state.tickets += 1;
  const ticket = `${engine.id}#${state.tickets}`;
  const startAt = now + queueMs;
  engine.busyUntil = startAt + prefillMs;
  const isDecoding = ask.leg !== "prefill";
  const contextTokens = ask.ask.promptTokens + (isDecoding ? ask.ask.expectedOutputTokens : 0);
  if (isDecoding) {
    engine.decodes += 1;
    engine.contextTokens += contextTokens;
  }
  state.grants.set(ticket, {
    ticket,
    engine: engine.id,
    leg: ask.leg,
    prefillMs,
    contextTokens,
    grantedAt: now,
    startAt,
    keys,
    linkTokens: ask.linkTokens,
    leaseUntil: now + LEASE_MS,
    isDecoding,
  });
  // The prefix is counted as held from now on, so that a burst of siblings follows it.
  engine.index.insert(keys, ask.linkTokens);
  const why = held > 0 ? `holds ${held} tokens of the prefix` : "least work ahead";
  return {
    ticket,
    engine: engine.id,
    pool: engine.pool,
    startAt,
    heldTokens: held,
    prefillMs,
    stepMs: engine.speed.stepMs(engine.decodes, engine.contextTokens),
    reason: `${why}; ${Math.round(queueMs)} ms of work ahead; best of ${choices}`,
  };
}
