import { grant, type GrantAsk } from "../../../src/core/grant/grant.ts";
import { claim, reserve, withdraw } from "../../../src/core/grant/reserve.ts";
import type { PoolState, RegionState } from "../../../src/core/grant/region-state.ts";
import { done } from "../../../src/core/grant/report.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { asksFor, NOW, stateWith } from "./planning.ts";
import { syntheticFleet } from "./synthetic-mesh.ts";
import { type Spread, timeCalls } from "./time-calls.ts";

/** `grant` among the engines of one pool, and `reserve` while others wait for them, µs. */
export type GrantTimes = {
  readonly engines: number;
  /** Of the longest prompt, and of all prefix caches together. */
  readonly promptLinks: number;
  readonly links: number;
  readonly us: Spread;
  /** Legs in the queue before each call. */
  readonly waiting: number;
  readonly queuedUs: Spread;
};

/** Every engine's cache is full of conversations, and the ledger stays as it is: what a call enters ends again, untimed. */
export function benchGrant(engines: number, calls: number): GrantTimes {
  const fleet = syntheticFleet({ pools: 4, enginesPerPool: engines });
  const asks = asksFor(fleet, [POOL]);
  const state = stateWith(fleet, asks, (empty) => fillCaches(poolOf(empty), asks));
  const pool = poolOf(state);
  const links = pool.engines.reduce((sum, { index }) => sum + index.size, 0);
  const us = timeGrants(state, asks, calls);
  const queuedUs = timeReserves(state, asks, Math.ceil(calls / 10));
  const promptLinks = Math.max(...asks.map(({ linkTokens }) => linkTokens.length));
  return { engines, promptLinks, links, us, waiting: WAITING, queuedUs };
}

const POOL = "large-alone-0";
const WARM_UP = 2000;
const WAITING = 50;
/** The conversations in an engine's cache were last used within so long, ms. */
const PAST_MS = 3_600_000;
const STANDING = { tenant: "bench", priority: 0, deadlineAt: Infinity, longestWaitMs: Infinity };

function timeGrants(state: RegionState, asks: readonly GrantAsk[], calls: number): Spread {
  const random = seededRandom(7);
  let last = "";
  return timeCalls(
    calls,
    WARM_UP,
    (n) => {
      done(state, last, NOW);
      return again(asks[Math.floor(random() * asks.length)] ?? fail(), `r${n}`);
    },
    (ask) => {
      const answer = grant(state, ask, NOW, random);
      if (answer.kind === "granted") last = answer.grant.ticket;
    },
  );
}

/** Every engine has more to do than it is given ahead, so that whoever comes waits. */
function timeReserves(state: RegionState, asks: readonly GrantAsk[], calls: number): Spread {
  const random = seededRandom(9);
  for (const engine of poolOf(state).engines) engine.backlogUntil = NOW + 1000 * (1 + random());
  for (let n = 0; n < WAITING; n++) {
    reserve(state, again(asks[n % asks.length] ?? fail(), `w${n}`), STANDING, NOW, random);
  }
  let last = "";
  return timeCalls(
    calls,
    calls,
    (n) => {
      withdraw(state, POOL, last, NOW);
      return again(asks[Math.floor(random() * asks.length)] ?? fail(), `q${n}`);
    },
    (ask) => {
      const answer = reserve(state, ask, STANDING, NOW, random);
      if (answer.kind !== "queued") throw new TypeError("everybody waits here");
      last = answer.ticket;
      claim(state, POOL, last, NOW, random);
    },
  );
}

/** A request of its own, with a chain as it comes out of a message. */
function again(ask: GrantAsk, requestId: string): GrantAsk {
  return { ...ask, requestId, chain: ask.chain.slice() };
}

/** Conversations as long as the asked, each used once in the last hour. */
function fillCaches({ engines, speed }: PoolState, asks: readonly GrantAsk[]): void {
  const random = seededRandom(13);
  const { linkTokens } = asks[0] ?? fail();
  const conversations = Math.ceil(speed.kvTokens / (linkTokens.at(-1) ?? fail()));
  for (const { index } of engines) {
    for (let n = 0; n < conversations; n++) {
      const keys = new Float64Array(linkTokens.length).map(() => Math.floor(random() * 2 ** 53));
      const usedAt = NOW - PAST_MS * (1 - (n + random()) / (conversations + 1));
      index.insert(keys, linkTokens, speed.kvTokens, usedAt);
    }
  }
}

function poolOf(state: RegionState): PoolState {
  return state.pools.get(POOL) ?? fail();
}

function fail(): never {
  throw new TypeError("the bench has nothing to ask");
}
