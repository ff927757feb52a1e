import { continentsOf } from "../../src/core/continents.ts";
import type { Fleet } from "../../src/durable/fleet.ts";
import type { Once, OnceEnv } from "../../src/durable/once.ts";
import type { Receipts, ReceiptsEnv } from "../../src/durable/receipts.ts";
import { Region as RegionObject } from "../../src/durable/region.ts";
import type { Session } from "../../src/durable/session.ts";
import type { SessionEnv } from "../../src/durable/session-env.ts";
import { SnapshotPush } from "../../src/durable/snapshot-push.ts";
import { createFleets } from "../../src/rpc/objects.ts";
import { fleetOf } from "../../workers/edge/fleet.ts";
import { REAL_TIME } from "../../workers/edge/real-time.ts";
import { freshFleet } from "./fresh-fleet.ts";
import { testMesh } from "./test-mesh.ts";

export { Fleet } from "../../src/durable/fleet.ts";
export { Once } from "../../src/durable/once.ts";
export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";

/** A region of the test mesh, whose time can be moved on, and which tells `Fleet` objects of itself. */
export class Region extends RegionObject {
  readonly #time: { aheadMs: number };

  constructor(ctx: DurableObjectState, env: Cloudflare.Env, fleet = fleetOf(testMesh)) {
    const time = { aheadMs: 0 };
    const clock = { ...REAL_TIME, now: () => Date.now() + time.aheadMs };
    const toContinent = createFleets(env.FLEETS);
    const push = new SnapshotPush({
      clock,
      mesh: fleet.version,
      fleets: continentsOf(fleet).map((continent) => () => toContinent(continent)),
      waitUntil: (work) => ctx.waitUntil(work),
    });
    super(ctx, env, { fleet, clock, push });
    this.#time = time;
  }

  pass(ms: number): void {
    this.#time.aheadMs += ms;
  }
}

/** A pool of the test mesh that has an object of its own. */
export class RegionShard extends Region {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env, freshFleet({ shards: "pool" }));
  }
}

export default {
  fetch: () => new Response("objects under test"),
};

declare global {
  namespace Cloudflare {
    interface Env extends SessionEnv, ReceiptsEnv, OnceEnv {
      readonly SESSIONS: DurableObjectNamespace<Session>;
      readonly RECEIPTS: DurableObjectNamespace<Receipts>;
      readonly ONCE: DurableObjectNamespace<Once>;
      readonly REGIONS: DurableObjectNamespace<Region>;
      readonly REGION_SHARDS: DurableObjectNamespace<RegionShard>;
      readonly FLEETS: DurableObjectNamespace<Fleet>;
      readonly KV_BLOBS: R2Bucket;
    }
  }
}
