import type { Fleet } from "../fleet.ts";
import { linksInto } from "../plan/linked.ts";
import type { Speeds } from "../plan/speeds.ts";
import { transferMs } from "../speed.ts";
import { type EngineState, prefillFactor } from "./region-state.ts";

/** What another pool takes to compute the tokens `[cached, tokens)` of a prompt and hand them over, ms. */
export type HandedAgain = (tokens: number, cached: number) => number;

/** Pool id → how soon the quickest of the pools that prefill for it gives it back what it has lost. */
export function handedAgainOf(fleet: Fleet, speeds: Speeds): ReadonlyMap<string, HandedAgain> {
  const handed = new Map<string, HandedAgain>();
  for (const pool of fleet.pools.values()) {
    const { kvBytesPerToken = 0 } = fleet.models.get(pool.model) ?? {};
    const sources = linksInto(fleet, pool.id).flatMap((link) => {
      const speed = speeds.get(link.from);
      const prefills = fleet.pools.get(link.from)?.roles.includes("prefill");
      return speed && prefills ? [{ speed, link }] : [];
    });
    if (sources.length === 0) continue;
    handed.set(pool.id, (tokens, cached) => {
      const bytes = (tokens - cached) * kvBytesPerToken;
      let soonest = Infinity;
      for (const { speed, link } of sources) {
        soonest = Math.min(soonest, speed.prefillMs(tokens, cached) + transferMs(link, bytes));
      }
      return soonest;
    });
  }
  return handed;
}

/** What it takes until an engine has the tokens `[cached, tokens)` of a prompt again that it has lost, ms. */
export function recomputeMs(
  engine: EngineState,
  tokens: number,
  cached: number,
  nowMs: number,
): number {
  const { speed, handedAgain } = engine.pool;
  const hereMs = speed.prefillMs(tokens, cached) * prefillFactor(engine, nowMs);
  return Math.min(hereMs, handedAgain?.(tokens, cached) ?? Infinity);
}
