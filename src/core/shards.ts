import type { Fleet, Region } from "./fleet.ts";

/** Name of the part of a region that grants a pool's engines: the region's id, and the pool's where each has its own. */
export function shardOf({ pools, regions }: ShardedFleet, poolId: string): string {
  const region = regions.get(pools.get(poolId)?.region ?? "");
  if (region === undefined) return "";
  return region.shards === "pool" ? `${region.id}/${poolId}` : region.id;
}

/** Every shard of a fleet that has engines to grant. */
export function shardsOf(fleet: ShardedFleet): ReadonlySet<string> {
  return new Set([...fleet.pools.keys()].map((pool) => shardOf(fleet, pool)));
}

/** The region that a shard is of. */
export function regionOfShard({ regions }: ShardedFleet, shard: string): Region | undefined {
  return regions.get(shard.split("/", 1)[0] ?? "");
}

/** Name of a shard's object: another epoch, or another way of sharding, makes it another one. */
export function objectNameOf(fleet: ShardedFleet, shard: string): string {
  const region = regionOfShard(fleet, shard);
  const id = region?.id ?? shard;
  return `${id}@${region?.epoch ?? 1}${shard.slice(id.length)}`;
}

/** The name under which an edge binds the worker of a region: `REGION_USE1` of `use1`. */
export function regionBindingName(region: string): string {
  return `REGION_${region.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

type ShardedFleet = Pick<Fleet, "pools" | "regions">;
