import type { Pool } from "../../../src/core/fleet.ts";
import type { GrantAsk, Granted } from "../../../src/core/grant/grant.ts";
import { grant } from "../../../src/core/grant/grant.ts";
import { type RegionState, createRegionState } from "../../../src/core/grant/region-state.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ask, fleet, pool } from "../plan/plan-fixtures.ts";

/** A chain with a link for each number, 100 tokens a link unless told. */
export function chainOf(links: readonly number[], tokensEach = 100) {
  const chain = new Uint8Array(links.length * 8);
  const view = new DataView(chain.buffer);
  links.forEach((link, index) => view.setBigUint64(index * 8, BigInt(link)));
  return { chain, linkTokens: Uint32Array.from(links, (_, index) => (index + 1) * tokensEach) };
}

/** The ledger of one pool `h200`, with some members replaced. */
export function region(members: Partial<Pool> & { engineCount?: number } = {}): RegionState {
  const planned = fleet({ poolList: [pool("h200", members)] });
  return createRegionState(planned.pools, speedsOf(planned));
}

/** An ask of both phases of a prompt of ten links and 10,000 tokens, with some members replaced. */
export function grantAsk(members: Partial<GrantAsk> = {}): GrantAsk {
  return {
    requestId: "r1",
    leg: "both",
    pool: "h200",
    ask: ask({ promptTokens: 10_000 }),
    ...chainOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1000),
    held: {},
    avoid: [],
    handedTokens: 0,
    ...members,
  };
}

const random = seededRandom(3);

/** What was granted; fails the test when refused. */
export function granted(state: RegionState, request: GrantAsk, nowMs = 0): Granted {
  const answer = grant(state, request, nowMs, random);
  if (answer.kind !== "granted") throw new TypeError(`refused: ${answer.reason}`);
  return answer.grant;
}

/** What the ledger holds for one engine. */
export function booked(state: RegionState, index = 0) {
  const engine = state.pools.get("h200")?.engines[index];
  if (engine === undefined) throw new TypeError("no such engine");
  const { backlogUntil, batch, batchTokens, kvTokens, unindexedTokens, grants } = engine;
  return { backlogUntil, batch, batchTokens, kvTokens, unindexedTokens, live: grants.size };
}
