import { createEdgeWorker } from "../edge/app.ts";
import type { LocalBinding } from "./local-binding.ts";
import { type MeshPlaces, withRoundTrips } from "./round-trips.ts";
import { slowObjects } from "./slow-objects.ts";

export { Receipts } from "../../src/durable/receipts.ts";
export { Session } from "../../src/durable/session.ts";

/** The edge worker as a local mesh runs it: with the distances that Miniflare lacks. */
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/local/emulator")
      return tellEmulator(request, env.LOCAL);
    edge ??= createEdgeWorker({
      engineFetch: engineFetch(env),
      now: fastClock(env.LOCAL.timeFactor),
    });
    const delayMs = env.LOCAL.roundTrips ? OBJECT_MS * env.LOCAL.timeFactor : 0;
    return edge.fetch(
      request,
      {
        ...env,
        SESSIONS: slowObjects(env.SESSIONS, delayMs),
        RECEIPTS: slowObjects(env.RECEIPTS, delayMs),
      },
      context,
    );
  },
} satisfies ExportedHandler<LocalEnv>;

/** To a Durable Object and back within a metropolis, ms. */
const OBJECT_MS = 2;

type EdgeWorker = ReturnType<typeof createEdgeWorker>;
type LocalEnv = Parameters<EdgeWorker["fetch"]>[1] & { readonly LOCAL: LocalBinding };

let edge: EdgeWorker | undefined;

/** Where durations are multiplied by `timeFactor`, a second of the mesh passes in `timeFactor` seconds. */
function fastClock(timeFactor: number): () => number {
  const startedAt = Date.now();
  return () => startedAt + (Date.now() - startedAt) / timeFactor;
}

function engineFetch({ LOCAL, MESH }: LocalEnv): typeof fetch {
  if (!LOCAL.roundTrips) return fetchNow;
  const mesh = typeof MESH === "string" ? JSON.parse(MESH) : MESH;
  return withRoundTrips(fetchNow, LOCAL, mesh as MeshPlaces, LOCAL.timeFactor);
}

/** A bare call: workerd refuses `fetch` with another `this`. */
const fetchNow: typeof fetch = (input, init) => fetch(input, init);

function tellEmulator(request: Request, local: LocalBinding): Response {
  if (request.headers.get("authorization") !== `Bearer ${local.key}`) {
    return Response.json(
      { error: { message: "unknown key", code: "invalid_api_key" } },
      { status: 401 },
    );
  }
  return Response.json({ url: local.emulatorUrl, token: local.emulatorToken });
}
