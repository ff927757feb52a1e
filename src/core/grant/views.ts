import { linkKeys } from "../link-keys.ts";
import type { EngineView } from "../plan/placement.ts";
import { displacedMs } from "./displaced.ts";
import { foreignAt } from "./foreign.ts";
import { waitingMs } from "./queue.ts";
import { promptShare } from "./prompt-share.ts";
import { overworkMs, workRatio } from "./recent-work.ts";
import { believed, distrust } from "./residency.ts";
import { kvCapacityAt, roomInMs } from "./room.ts";
import { type SessionHeld, heldTokens } from "./held.ts";
import { mayAsk, opensAt, rests } from "./breaker.ts";
import { type RegionState, decodeFactor, prefillFactor } from "./region-state.ts";

/** What a region knows of a pool's engines, for one request's chain, in the planner's words. */
export function engineViews(
  state: RegionState,
  pool: string,
  chain: Uint8Array,
  linkTokens: Uint32Array,
  held: SessionHeld,
  nowMs: number,
): EngineView[] {
  const known = state.pools.get(pool);
  if (known === undefined) return [];
  const keys = linkKeys(chain);
  const capacity = kvCapacityAt(known, nowMs);
  const waitsMs = waitingMs(known);
  return known.engines.map((engine) => {
    const foreign = foreignAt(engine, nowMs);
    const lost = distrust(engine);
    return {
      engine: engine.id,
      queueMs: Math.max(0, engine.backlogUntil - nowMs) + waitsMs + foreign.waitingMs,
      batch: engine.batch + foreign.running,
      batchTokens: engine.batchTokens + foreign.kvTokens,
      heldTokens: believed(engine, heldTokens(engine, keys, linkTokens, held)),
      displacedMs: displacedMs(engine, keys, linkTokens, linkTokens.at(-1) ?? 0, nowMs),
      roomInMs: roomInMs(engine, { keys, linkTokens }, linkTokens.at(-1) ?? 0, nowMs),
      overworkMs: overworkMs(known, workRatio(known, engine)),
      promptShare: promptShare(engine, nowMs),
      kvFreeTokens: Math.max(0, capacity - engine.kvTokens - foreign.kvTokens),
      prefillFactor: prefillFactor(engine, nowMs),
      decodeFactor: decodeFactor(engine, nowMs),
      ...(lost > 0 && { heldTrust: 1 - lost }),
      healthy: mayAsk(engine.breaker, nowMs),
      opensInMs: Math.max(0, opensAt(engine.breaker) - nowMs),
      rests: rests(engine.breaker, nowMs),
    };
  });
}
