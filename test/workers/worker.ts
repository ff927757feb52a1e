import type { Receipts, ReceiptsEnv } from "../../src/durable/receipts.ts";
import { Region as RegionObject } from "../../src/durable/region.ts";
import type { Session, SessionEnv } from "../../src/durable/session.ts";
import { fleetOf } from "../../workers/edge/fleet.ts";
import { REAL_TIME } from "../../workers/edge/real-time.ts";
import { testMesh } from "./test-mesh.ts";

export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";

/** A region of the test mesh, whose time can be moved on. */
export class Region extends RegionObject {
  readonly #time: { aheadMs: number };

  constructor(ctx: DurableObjectState, env: unknown) {
    const time = { aheadMs: 0 };
    const clock = { ...REAL_TIME, now: () => Date.now() + time.aheadMs };
    super(ctx, env, { fleet: fleetOf(testMesh), clock });
    this.#time = time;
  }

  pass(ms: number): void {
    this.#time.aheadMs += ms;
  }
}

export default {
  fetch: () => new Response("objects under test"),
};

declare global {
  namespace Cloudflare {
    interface Env extends SessionEnv, ReceiptsEnv {
      readonly SESSIONS: DurableObjectNamespace<Session>;
      readonly RECEIPTS: DurableObjectNamespace<Receipts>;
      readonly REGIONS: DurableObjectNamespace<Region>;
    }
  }
}
