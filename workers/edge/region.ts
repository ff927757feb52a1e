import type { Clock } from "../../src/core/clock.ts";
import { Region as RegionObject } from "../../src/durable/region.ts";
import { fleetOf } from "./fleet.ts";
import { REAL_TIME } from "./real-time.ts";

/** A region of the mesh that this script was deployed with. */
export class Region extends RegionObject<RegionEnv> {
  constructor(ctx: DurableObjectState, env: RegionEnv, clock: Clock = REAL_TIME) {
    super(ctx, env, { fleet: fleetOf(env.MESH), clock });
  }
}

export type RegionEnv = {
  /** Contents of `mesh.json`, in place of the bundled one. */
  readonly MESH?: unknown;
};
