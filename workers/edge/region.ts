import type { Clock } from "../../src/core/clock.ts";
import { continentsOf } from "../../src/core/continents.ts";
import { shardsOf } from "../../src/core/shards.ts";
import { Region as RegionObject } from "../../src/durable/region.ts";
import { SnapshotPush } from "../../src/durable/snapshot-push.ts";
import type { Fleet } from "../../src/core/fleet.ts";
import { capabilitiesOf } from "../../src/engines/registry.ts";
import { createFleets, type FleetStub, type Namespace } from "../../src/rpc/objects.ts";
import { fleetOf } from "./fleet.ts";
import { REAL_TIME } from "./real-time.ts";

/** A region of the mesh that this script was deployed with. */
export class Region extends RegionObject<RegionEnv> {
  constructor(ctx: DurableObjectState, env: RegionEnv, clock: Clock = REAL_TIME) {
    const fleet = fleetOf(env.MESH);
    super(ctx, env, { fleet, clock, pulls, ...pushTo(env, fleet, clock, ctx) });
  }
}

const pulls = (dialect: string) => capabilitiesOf(dialect).pullsPrefix === "peer";

export type RegionEnv = {
  /** Contents of `mesh.json`, in place of the bundled one. */
  readonly MESH?: unknown;
  /** Where regions tell the world of themselves. */
  readonly FLEETS?: Namespace<FleetStub>;
};

/** Nobody needs to be told of a region that is all there is: its own answers tell. */
function pushTo({ FLEETS }: RegionEnv, fleet: Fleet, clock: Clock, ctx: DurableObjectState) {
  if (FLEETS === undefined || shardsOf(fleet).size < 2) return {};
  const toContinent = createFleets(FLEETS);
  const fleets = continentsOf(fleet).map((continent) => () => toContinent(continent));
  const waitUntil = (work: Promise<unknown>) => ctx.waitUntil(work);
  return { push: new SnapshotPush({ clock, mesh: fleet.version, fleets, waitUntil }) };
}
