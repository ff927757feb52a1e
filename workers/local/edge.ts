import type { Clock } from "../../src/core/clock.ts";
import { createEdgeWorker } from "../edge/app.ts";
import { Region as EdgeRegion, type RegionEnv } from "../edge/region.ts";
import { wait } from "./delay-stream.ts";
import type { LocalBinding } from "./local-binding.ts";
import { realObjects } from "./real-objects.ts";
import { regionObjects } from "./region-objects.ts";
import { type MeshPlaces, withRoundTrips } from "./round-trips.ts";

export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";

/** The edge worker as a local mesh runs it: with the distances that Miniflare lacks. */
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/local/emulator") return tellEmulator(request, env);
    edge ??= createEdgeWorker({
      engineFetch: engineFetch(env),
      clock: fastClock(env.LOCAL.timeFactor),
      measuresRoundTrips: env.LOCAL.timeFactor >= 1,
    });
    const delayMs = env.LOCAL.roundTrips ? OBJECT_MS * env.LOCAL.timeFactor : 0;
    return edge.fetch(
      request,
      {
        ...env,
        SESSIONS: asDeployed(env.SESSIONS, delayMs),
        RECEIPTS: asDeployed(env.RECEIPTS, delayMs),
        ...(env.REGIONS !== undefined && { REGIONS: regions(env.REGIONS, env) }),
      },
      context,
    );
  },
} satisfies ExportedHandler<LocalEnv>;

/** A region whose seconds are those of its mesh. */
export class Region extends EdgeRegion {
  constructor(ctx: DurableObjectState, env: RegionEnv & { readonly TIME_FACTOR: number }) {
    super(ctx, env, fastClock(env.TIME_FACTOR));
  }
}

/** The part of `mesh.json` that says which engines there are. */
type MeshEngines = {
  readonly pools: Readonly<
    Record<string, { readonly model: string; readonly engines: readonly { readonly id: string }[] }>
  >;
};

/** To a Durable Object and back within a metropolis, ms. */
const OBJECT_MS = 2;

type EdgeWorker = ReturnType<typeof createEdgeWorker>;
type LocalEnv = Parameters<EdgeWorker["fetch"]>[1] & {
  readonly LOCAL: LocalBinding;
  readonly EMULATOR: Fetcher;
};

let edge: EdgeWorker | undefined;
const asDeployed = realObjects(Date.now);

function regions(namespace: NonNullable<LocalEnv["REGIONS"]>, { LOCAL, MESH }: LocalEnv) {
  if (!LOCAL.roundTrips) return asDeployed(namespace, 0);
  const mesh = (typeof MESH === "string" ? JSON.parse(MESH) : MESH) as MeshPlaces;
  const { timeFactor } = LOCAL;
  const where = { edge: LOCAL, regions: mesh.regions, objectMs: OBJECT_MS, timeFactor };
  return regionObjects(namespace, asDeployed, where);
}

/** Where durations are multiplied by `timeFactor`, a second of the mesh passes in `timeFactor` seconds. */
function fastClock(timeFactor: number): Clock {
  const startedAt = Date.now();
  return {
    now: () => startedAt + (Date.now() - startedAt) / timeFactor,
    wait: (ms) => wait(ms * timeFactor),
  };
}

function engineFetch({ LOCAL, MESH, EMULATOR }: LocalEnv): typeof fetch {
  // Emulated engines are reached by a binding, not over HTTP: workerd notices that a caller hung up only when it writes
  // to it, so an abort would not reach an engine that is silently prefilling. Real engines notice at once.
  const emulated = `${LOCAL.emulatorUrl}/`;
  // Bare calls: workerd refuses `fetch` with another `this`.
  const fetchNow: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return url.startsWith(emulated) ? EMULATOR.fetch(input, init) : fetch(input, init);
  };
  if (!LOCAL.roundTrips) return fetchNow;
  const mesh = typeof MESH === "string" ? JSON.parse(MESH) : MESH;
  return withRoundTrips(fetchNow, LOCAL, mesh as MeshPlaces, LOCAL.timeFactor);
}

function tellEmulator(request: Request, { LOCAL, MESH }: LocalEnv): Response {
  if (request.headers.get("authorization") !== `Bearer ${LOCAL.key}`) {
    return Response.json(
      { error: { message: "unknown key", code: "invalid_api_key" } },
      { status: 401 },
    );
  }
  const mesh = (typeof MESH === "string" ? JSON.parse(MESH) : MESH) as MeshEngines;
  const engines = Object.entries(mesh.pools).flatMap(([pool, { model, engines: ids }]) =>
    ids.map(({ id }) => ({ id: `${pool}/${id}`, model })),
  );
  return Response.json({ url: LOCAL.emulatorUrl, token: LOCAL.emulatorToken, engines });
}
