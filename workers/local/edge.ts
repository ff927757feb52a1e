import type { Clock } from "../../src/core/clock.ts";
import { Fleet as PlainFleet } from "../../src/durable/fleet.ts";
import { createEdgeWorker } from "../edge/app.ts";
import { Region as EdgeRegion, type RegionEnv } from "../edge/region.ts";
import { wait } from "./delay-stream.ts";
import type { ClockBinding } from "./local-binding.ts";
import { limitRows } from "./row-limit.ts";
import { realObjects } from "./real-objects.ts";
import { regionObjects } from "./region-objects.ts";
import { engineFetch, type EngineFetchEnv, placesOf } from "./engine-fetch.ts";
import { regionBindings } from "./region-bindings.ts";
import { OBJECT_MS } from "./round-trips.ts";

export { Once, Receipts, Session } from "./objects.ts";

/** The edge worker as a local mesh runs it: with the distances that Miniflare lacks. */
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/local/emulator") return tellEmulator(request, env);
    edge ??= createEdgeWorker({
      engineFetch: engineFetch(env),
      clock: fastClock(env.CLOCK),
      measuresRoundTrips: env.LOCAL.timeFactor >= 1,
    });
    const delayMs = env.LOCAL.roundTrips ? OBJECT_MS * env.LOCAL.timeFactor : 0;
    return edge.fetch(
      request,
      {
        ...env,
        SESSIONS: asDeployed(env.SESSIONS, delayMs),
        RECEIPTS: asDeployed(env.RECEIPTS, delayMs),
        ONCE: asDeployed(env.ONCE, delayMs),
        ...(env.REGIONS !== undefined && { REGIONS: regions(env.REGIONS, env) }),
        ...(env.FLEETS !== undefined && { FLEETS: asDeployed(env.FLEETS, delayMs) }),
        ...regionBindings(env),
      },
      context,
    );
  },
} satisfies ExportedHandler<LocalEnv>;

/** A region whose seconds are those of its mesh. */
export class Region extends EdgeRegion {
  constructor(ctx: DurableObjectState, env: RegionEnv & { readonly CLOCK: ClockBinding }) {
    limitRows(ctx.storage);
    super(ctx, env, fastClock(env.CLOCK));
  }
}

/** What is told there is as old as the seconds of its mesh say. */
export class Fleet extends PlainFleet {
  constructor(ctx: DurableObjectState, env: { readonly CLOCK: ClockBinding }) {
    super(ctx, env, fastClock(env.CLOCK).now);
  }
}

/** The part of `mesh.json` that says which engines there are. */
type MeshEngines = {
  readonly pools: Readonly<
    Record<
      string,
      {
        readonly model: string;
        readonly engines: readonly { readonly id: string; readonly url: string }[];
      }
    >
  >;
};

type EdgeWorker = ReturnType<typeof createEdgeWorker>;
type LocalEnv = Parameters<EdgeWorker["fetch"]>[1] &
  EngineFetchEnv & { readonly CLOCK: ClockBinding };

let edge: EdgeWorker | undefined;
const asDeployed = realObjects(Date.now);

function regions(namespace: NonNullable<LocalEnv["REGIONS"]>, { LOCAL, MESH }: LocalEnv) {
  if (!LOCAL.roundTrips) return asDeployed(namespace, 0);
  const { timeFactor } = LOCAL;
  const where = { edge: LOCAL, regions: placesOf(MESH).regions, objectMs: OBJECT_MS, timeFactor };
  return regionObjects(namespace, asDeployed, where);
}

/** Where durations are multiplied by `timeFactor`, a second of the mesh passes in `timeFactor` seconds. */
function fastClock({ startedAt, timeFactor }: ClockBinding): Clock {
  return {
    now: () => startedAt + (Date.now() - startedAt) / timeFactor,
    wait: (ms) => wait(ms * timeFactor),
  };
}

function tellEmulator(request: Request, { LOCAL, MESH }: LocalEnv): Response {
  if (request.headers.get("authorization") !== `Bearer ${LOCAL.key}`) {
    return Response.json(
      { error: { message: "unknown key", code: "invalid_api_key" } },
      { status: 401 },
    );
  }
  const mesh = (typeof MESH === "string" ? JSON.parse(MESH) : MESH) as MeshEngines;
  const engines = Object.entries(mesh.pools).flatMap(([pool, { model, engines: all }]) =>
    all
      .filter(({ url }) => url.startsWith(`${LOCAL.emulatorUrl}/`))
      .map(({ id }) => ({ id: `${pool}/${id}`, model })),
  );
  return Response.json({ url: LOCAL.emulatorUrl, token: LOCAL.emulatorToken, engines });
}
