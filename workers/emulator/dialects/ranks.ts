import type { EngineConfig } from "../config.ts";

/** The data-parallel rank that a room is prefilled on. */
export function dpRankOf(room: string, config: Pick<EngineConfig, "pool">): number {
  return Number(BigInt(room) % BigInt(dpSizeOf(config)));
}

/** Ranks of one engine, each with a prefix cache of its own. */
export function dpSizeOf({ pool }: Pick<EngineConfig, "pool">): number {
  return pool.dpSize ?? 1;
}

/** Parts the cache of one rank from the others'. */
export function rankSalt(cacheSalt: string, rank: number): string {
  return rank === 0 ? cacheSalt : `rank ${rank}:${cacheSalt}`;
}
