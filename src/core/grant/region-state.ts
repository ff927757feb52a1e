import { factorOf, type Measured, type Shared, unmeasured } from "./measured.ts";
import { BlockLru } from "../block-lru.ts";
import { Knowers } from "../knowers.ts";
import type { Pool } from "../fleet.ts";
import type { LegKind } from "../leg.ts";
import type { Speeds } from "../plan/speeds.ts";
import type { Speed } from "../speed.ts";
import { type FirstTokens, noFirstTokens } from "./first-tokens.ts";
import { type EndedLeg, type ForeignThen, noForeign } from "./foreign.ts";
import type { Offer } from "./offer.ts";
import type { RecentPrompts } from "./prompt-share.ts";
import { type KvEvents, noKvEvents } from "./kv-events.ts";
import type { ProbeLease } from "./probes.ts";
import type { Pull, PullCost, PullLink } from "./pull.ts";
import type { Waiting } from "./queue.ts";
import type { HandedAgain } from "./recompute.ts";
import { expectedReturns, type Returns } from "./returns.ts";
import type { RecentWork } from "./recent-work.ts";
import { type Claim, type Residency, trusted } from "./residency.ts";
import { type Breaker, closedBreaker } from "./breaker.ts";

/** One leg that was granted and not yet ended. */
export type LiveGrant = {
  readonly ticket: string;
  readonly leg: LegKind;
  readonly keys: Float64Array;
  readonly linkTokens: Uint32Array;
  readonly heldTokens: number;
  /** Prefix tokens that are not computed: held, or pulled from another engine. */
  readonly coveredTokens: number;
  /** What it was to fetch from another engine; undefined where nothing. */
  readonly pull: Pull | undefined;
  readonly grantedAt: number;
  /** Modelled prefill at the engine's measured speed, ms; 0 once the first token came. */
  prefillMs: number;
  /** When that prefill is expected to end, epoch ms. */
  prefillEndsAt: number;
  /** KV cache reserved until the end, prompt and expected answer; less what running legs had reserved of it already. */
  readonly kvTokens: number;
  /** The part of `kvTokens` that the prefix index does not hold already. */
  readonly unindexedTokens: number;
  /** Context in the decode batch; 0 for a prefill leg, which has no slot. */
  readonly slotTokens: number;
  readonly outputTokens: number;
  /** When the whole leg is expected to end, epoch ms. */
  readonly endsAt: number;
  /** Modelled step at the engine's class speed, ms. */
  readonly modelledStepMs: number;
  /** Modelled prefill at the engine's class speed, ms. */
  readonly modelledPrefillMs: number;
  /** What it was to find in the cache; undefined where that says nothing. */
  readonly claim: Claim | undefined;
  /** It had to wait for a slot, for KV cache, or for others than this ledger's. */
  readonly waitedForRoom: boolean;
  /** Which of the prompts given to the engine, from 0; -1 without prefill. */
  readonly place: number;
  firstTokenAt: number | undefined;
  /** What `freeMs` of the engine said at the first token. */
  freeMsThen: number;
  leaseUntil: number;
};

/** Measured over modelled prefill time of an engine. */
export function prefillFactor({ pool, prefill }: EngineState, nowMs: number): number {
  return factorOf(prefill, pool.prefill, nowMs);
}

/** Measured over modelled step time of an engine. */
export function decodeFactor({ pool, decode }: EngineState, nowMs: number): number {
  return factorOf(decode, pool.decode, nowMs);
}

/** How long an engine has had no prefill to do, counted from anywhere, ms: what decode had to itself. */
export function freeMsAt({ freeMs, backlogUntil }: EngineState, nowMs: number): number {
  return freeMs + Math.max(0, nowMs - backlogUntil);
}

/** What a region knows of one engine. Mutable; times in epoch ms. */
export type EngineState = {
  readonly id: string;
  readonly pool: PoolState;
  /** When the prefill work granted so far is expected to be done. */
  backlogUntil: number;
  /** Time without prefill before `backlogUntil`, ms, counted from anywhere. */
  freeMs: number;
  readonly work: RecentWork;
  readonly recentPrompts: RecentPrompts;
  /** Live grants that have prefill and no first token yet, in their order. */
  readonly silent: LiveGrant[];
  /** Until its network port has sent and received what was granted to be pulled, epoch ms. */
  sendsUntil: number;
  receivesUntil: number;
  /** Until all legs it would otherwise begin with have fetched their prefix, epoch ms. */
  fetchesUntil: number;
  /** Whether it may pull from another engine, by its id; of those it failed to pull from last. */
  pullsFrom: Map<string, Breaker> | undefined;
  readonly grants: Map<string, LiveGrant>;
  /** The same by when they end; undefined when they have changed since somebody asked. */
  byEnd: readonly LiveGrant[] | undefined;
  batch: number;
  batchTokens: number;
  kvTokens: number;
  unindexedTokens: number;
  /** More was granted than fits at once: the index lacks parts of running prompts. */
  crowded: boolean;
  /** When the running ones were last told apart from idle ones in the crowd, epoch ms. */
  crowdedAt: number;
  readonly index: BlockLru;
  readonly breaker: Breaker;
  readonly prefill: Measured;
  readonly decode: Measured;
  readonly firstTokens: FirstTokens;
  readonly residency: Residency;
  /** What it told of itself beyond what it was granted here. */
  foreign: ForeignThen;
  probe: ProbeLease;
  /** What it told of its cache, where it does. */
  kv: KvEvents;
  /** Legs of the last moments that have ended. */
  readonly ended: EndedLeg[];
  /** How many prompts it was given. */
  prompts: number;
  /** Conversations that had better stay are left in peace until then, epoch ms. */
  peaceUntil: number;
};

export type PoolState = {
  readonly pool: Pool;
  readonly speed: Speed;
  readonly engines: EngineState[];
  /** Pools whose engines its own may pull a prefix from, and what that takes; none where they cannot. Set once. */
  pulls: readonly { readonly pool: PoolState; readonly cost: PullCost }[];
  /** How soon another pool gives it back what it has lost; undefined where it has to compute that itself. */
  readonly handedAgain: HandedAgain | undefined;
  readonly prefill: Shared;
  readonly decode: Shared;
  readonly work: RecentWork;
  workFadedAt: number;
  readonly returns: Returns;
  /** Until then legs may run that the ledger has forgotten, epoch ms. */
  unsureUntil: number;
  /** Legs that wait for an engine, in order of arrival. */
  readonly queue: Waiting[];
  /** Before this nothing in the queue can go, epoch ms. */
  drainAt: number;
  /** Tenant → prefill work it was given since somebody began to wait, ms. */
  readonly given: Map<string, number>;
  /** Costs of the engines during one grant; kept to spare allocations. */
  readonly costs: Float64Array;
  readonly offers: (Offer | undefined)[];
};

/** The ledger of a region. Mutable; only `grant` and `report` change it. */
export type RegionState = {
  readonly pools: Map<string, PoolState>;
  /** Ticket → the engine it was granted. */
  readonly tickets: Map<string, EngineState>;
  nextTicket: number;
  /** No engine is probed before, epoch ms. */
  probesAt: number;
};

/**
 * An empty ledger over some pools; pools without a speed or that only encode are left out, engines of those without `pulls` pull nothing,
 * those without `handed` are handed nothing again.
 */
export function createRegionState(
  pools: ReadonlyMap<string, Pool> | Iterable<Pool>,
  speeds: Speeds,
  pulls?: ReadonlyMap<string, readonly PullLink[]>,
  handed?: ReadonlyMap<string, HandedAgain>,
): RegionState {
  const state: RegionState = { pools: new Map(), tickets: new Map(), nextTicket: 1, probesAt: 0 };
  for (const pool of pools instanceof Map ? pools.values() : (pools as Iterable<Pool>)) {
    const speed = speeds.get(pool.id);
    if (speed === undefined || pool.roles.includes("encode")) continue;
    state.pools.set(pool.id, poolState(pool, speed, handed?.get(pool.id)));
  }
  for (const [id, pool] of state.pools) {
    pool.pulls = (pulls?.get(id) ?? []).flatMap(({ from, cost }) => {
      const source = state.pools.get(from);
      return source ? [{ pool: source, cost }] : [];
    });
  }
  return state;
}

/** The engine of that id, of whichever pool; undefined where it is not in the ledger. */
export function engineOf({ pools }: RegionState, id: string): EngineState | undefined {
  const pool = pools.get(id.slice(0, id.lastIndexOf("/")));
  return pool?.engines.find((engine) => engine.id === id);
}

/** KV cache tokens of one engine; without limit where a hosted fleet keeps its memory to itself. */
export function capacityTokens({ pool, speed }: PoolState): number {
  return pool.routed === "us" ? speed.kvTokens : Infinity;
}

/** Tokens the prefix index may keep beside what live grants need outside it. */
export function indexCapacity(engine: EngineState): number {
  const { speed } = engine.pool;
  return Math.max(0, speed.kvTokens - engine.unindexedTokens);
}

function poolState(pool: Pool, speed: Speed, handedAgain: HandedAgain | undefined): PoolState {
  const engines: EngineState[] = [];
  const knowers = new Knowers();
  const costs = new Float64Array(pool.engines.length);
  const state = {
    pool,
    speed,
    engines,
    pulls: [],
    handedAgain,
    costs,
    offers: [],
    prefill: { factor: 1 },
    decode: { factor: 1 },
    returns: expectedReturns(),
    unsureUntil: 0,
    queue: [],
    drainAt: 0,
    given: new Map<string, number>(),
    work: { ms: 0, legs: 0 },
    workFadedAt: 0,
  };
  for (const { id } of pool.engines) {
    engines.push({
      id,
      pool: state,
      backlogUntil: 0,
      freeMs: 0,
      work: { ms: 0, legs: 0 },
      recentPrompts: { ms: 0, atMs: 0 },
      silent: [],
      sendsUntil: 0,
      receivesUntil: 0,
      fetchesUntil: 0,
      pullsFrom: undefined,
      grants: new Map(),
      byEnd: undefined,
      batch: 0,
      batchTokens: 0,
      kvTokens: 0,
      unindexedTokens: 0,
      crowded: false,
      crowdedAt: -Infinity,
      index: new BlockLru(knowers),
      breaker: closedBreaker(),
      prefill: unmeasured(),
      decode: unmeasured(),
      firstTokens: noFirstTokens(),
      residency: trusted(),
      foreign: noForeign(),
      kv: noKvEvents(),
      probe: { at: -Infinity, ticket: undefined },
      ended: [],
      prompts: 0,
      peaceUntil: -Infinity,
    });
  }
  return state;
}
