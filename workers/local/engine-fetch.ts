import { EMULATED_HOSTS } from "../emulator/path.ts";
import type { LocalBinding } from "./local-binding.ts";
import { type MeshPlaces, withRoundTrips } from "./round-trips.ts";

/** A `fetch` for engines from where a local worker stands. */
export function engineFetch({ LOCAL, MESH, EMULATOR }: EngineFetchEnv): typeof fetch {
  // Emulated engines are reached by a binding, not over HTTP: workerd notices that a caller hung up only when it writes
  // to it, so an abort would not reach an engine that is silently prefilling. Real engines notice at once.
  const emulated = `${LOCAL.emulatorUrl}/`;
  // Bare calls: workerd refuses `fetch` with another `this`.
  const fetchNow: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const isEmulated = url.startsWith(emulated) || new URL(url).hostname.endsWith(EMULATED_HOSTS);
    return isEmulated ? EMULATOR.fetch(input, init) : fetch(input, init);
  };
  if (!LOCAL.roundTrips) return fetchNow;
  return withRoundTrips(fetchNow, LOCAL, placesOf(MESH), LOCAL.timeFactor);
}

export type EngineFetchEnv = {
  readonly LOCAL: LocalBinding;
  readonly MESH?: unknown;
  readonly EMULATOR: Fetcher;
};

/** The part of a mesh that says where things are. */
export function placesOf(mesh: unknown): MeshPlaces {
  return (typeof mesh === "string" ? JSON.parse(mesh) : mesh) as MeshPlaces;
}
