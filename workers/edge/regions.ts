import { type Continent, continentOf } from "../../src/core/continents.ts";
import type { Fleet } from "../../src/core/fleet.ts";
import { regionBindingName, regionOfShard, shardsOf } from "../../src/core/shards.ts";
import { createRegionObjects } from "../../src/region/by-object.ts";
import { byPool } from "../../src/region/by-pool.ts";
import { FleetReader } from "../../src/region/fleet-reader.ts";
import { createHostedPools } from "../../src/region/hosted.ts";
import { createRegionService, type InIsolateOptions } from "../../src/region/in-isolate.ts";
import type { EngineAccess } from "../../src/region/engine-request.ts";
import type { KvEngines } from "../../src/region/kv-service.ts";
import { createKvEngines } from "../../src/region/kv-worker.ts";
import type { WorkerBinding } from "../../src/region/leg-exchange.ts";
import { RegionWorkers } from "../../src/region/region-workers.ts";
import { Snapshots } from "../../src/region/snapshots.ts";
import { createFleets, createRegions } from "../../src/rpc/objects.ts";
import type { TurnDeps } from "../../src/turn/deps.ts";
import type { EdgeEnv } from "./mesh.ts";

/** Who grants engines and runs legs, as a turn needs it: regions for engines of ours, hosted pools for themselves. */
export function regionsOf(env: EdgeEnv, options: InIsolateOptions): RegionsOfRequest {
  const hosted = createHostedPools(options);
  const ours = ownRegions(env, options);
  return (waitUntil, rtt) => byPool(hosted, (region) => rtt.ms(region), ours(waitUntil, rtt));
}

/** What is bound grants engines of ours, and this isolate does the rest. */
function ownRegions(env: EdgeEnv, options: InIsolateOptions): RegionsOfRequest {
  if (env.REGIONS === undefined) {
    const { service, views } = createRegionService(options);
    return () => ({ region: service, views });
  }
  const { fleet } = options;
  const objects = createRegions(env.REGIONS, fleet);
  const workers = new RegionWorkers(fleet, (region) => workerOf(env, region));
  const snapshots = new Snapshots();
  const look = fleetReader(env, options, snapshots);
  const ofRequest = createRegionObjects({
    ...options,
    snapshots,
    elsewhere: (order, signal) => workers.run(order, signal),
  });
  return (waitUntil, rtt) => {
    look(waitUntil, rtt);
    const { service, views } = ofRequest({
      object: (shard, ahead) => workers.stub(shard, ahead) ?? objects(shard),
      runsAhead: (shard) => workers.has(shard),
      waitUntil,
      rtt: {
        ms: (shard) => rtt.ms(regionId(fleet, shard)),
        observe: (shard, ms) => rtt.observe(regionId(fleet, shard), ms),
      },
    });
    return { region: service, views };
  };
}

/** Who moves the KV cache of engines: this isolate, or the worker of their region. */
export function kvEnginesOf(env: EdgeEnv, access: EngineAccess): KvEngines {
  return createKvEngines(access, (region) => workerOf(env, region));
}

type RegionsOfRequest = (
  waitUntil: TurnDeps["waitUntil"],
  rtt: TurnDeps["rtt"],
) => Pick<TurnDeps, "region" | "views">;

/** Region workers are bound by the names of their regions. */
function workerOf(env: EdgeEnv, region: string): WorkerBinding | undefined {
  const bindings = env as unknown as Readonly<Record<string, WorkerBinding | undefined>>;
  return bindings[regionBindingName(region)];
}

/** Has each turn look at what the regions of the world tell; where there is but one, its answers tell enough. */
function fleetReader({ FLEETS }: EdgeEnv, options: InIsolateOptions, snapshots: Snapshots) {
  const { fleet, clock } = options;
  if (FLEETS === undefined || shardsOf(fleet).size < 2) return () => {};
  const fleets = createFleets(FLEETS);
  const reader = new FleetReader(clock, fleet.version, snapshots);
  return (waitUntil: TurnDeps["waitUntil"], rtt: TurnDeps["rtt"]) =>
    reader.onTurn(() => fleets(nearestContinent(fleet, rtt)), waitUntil);
}

function nearestContinent({ regions }: Fleet, rtt: TurnDeps["rtt"]): Continent {
  const [nearest] = [...regions.values()].toSorted((a, b) => rtt.ms(a.id) - rtt.ms(b.id));
  return continentOf(nearest ?? { lat: 0, lon: 0 });
}

function regionId(fleet: Fleet, shard: string): string {
  return regionOfShard(fleet, shard)?.id ?? shard;
}
