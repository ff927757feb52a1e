import { delayStream, wait } from "./delay-stream.ts";
import { type Place, roundTripMs } from "./geography.ts";

/**
 * A `fetch` that takes as long as the distance to the engine's region says: half a round trip and the upload before
 * the request, half a round trip behind every part of the answer. Other URLs are fetched as they are.
 */
export function withRoundTrips(
  fetchNow: typeof fetch,
  edge: Place,
  mesh: MeshPlaces,
  timeFactor: number,
): typeof fetch {
  const routes = routesOf(mesh, edge).map(({ prefix, rttMs }) => ({
    prefix,
    fetchThere: withRoundTrip(fetchNow, rttMs, timeFactor),
  }));
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const route = routes.find(({ prefix }) => isBelow(url, prefix));
    return (route?.fetchThere ?? fetchNow)(input, init);
  };
}

/** A `fetch` of what is all one round trip of `rttMs` away. */
export function withRoundTrip(
  fetchNow: typeof fetch,
  rttMs: number,
  timeFactor: number,
): typeof fetch {
  return async (input, init) => {
    const halfMs = (rttMs / 2) * timeFactor;
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    await wait(halfMs + uploadMs(bodyBytes(init), rttMs) * timeFactor, signal);
    const response = await fetchNow(input, init);
    if (response.body === null) {
      await wait(halfMs, signal);
      return response;
    }
    // Begun before the wait: the body travels beside the headers, not after them.
    const body = delayStream(response.body, halfMs, signal);
    await wait(halfMs, signal);
    return new Response(body, response);
  };
}

/** To a Durable Object and back within a metropolis, ms. */
export const OBJECT_MS = 2;

/** The part of `mesh.json` that says where engines are. */
export type MeshPlaces = {
  readonly regions: Readonly<Record<string, Place>>;
  readonly pools: Readonly<
    Record<
      string,
      { readonly region: string; readonly engines: readonly { readonly url: string }[] }
    >
  >;
};

/**
 * Time to push a request body over a warm connection, ms: what exceeds the first window costs a round trip each time
 * the window doubles, and all of it passes the link.
 */
export function uploadMs(bytes: number, rttMs: number): number {
  const rounds = Math.max(0, Math.log2(bytes / FIRST_WINDOW_BYTES));
  return Math.floor(rounds) * rttMs * WARMTH + (bytes * 8) / (UPLOAD_MBPS * 1000);
}

const FIRST_WINDOW_BYTES = 64 * 1024;
/** Connections between an edge and its regions are kept and warm: most rounds of slow start are behind them. */
const WARMTH = 0.25;
const UPLOAD_MBPS = 1000;

type Route = { readonly prefix: string; readonly rttMs: number };

function routesOf(mesh: MeshPlaces, edge: Place): Route[] {
  return Object.values(mesh.pools).flatMap((pool) => {
    const region = mesh.regions[pool.region];
    if (region === undefined) return [];
    const rttMs = roundTripMs(edge, region);
    return pool.engines.map(({ url }) => ({ prefix: url.replace(/\/$/, ""), rttMs }));
  });
}

function isBelow(url: string, prefix: string): boolean {
  return url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`);
}

function bodyBytes(init: RequestInit | undefined): number {
  const body: unknown = init?.body;
  if (typeof body === "string") return new TextEncoder().encode(body).byteLength;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  return 0;
}
