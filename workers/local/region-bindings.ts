import { regionBindingName } from "../../src/core/shards.ts";
import { type EngineFetchEnv, placesOf } from "./engine-fetch.ts";
import { roundTripMs } from "./geography.ts";
import { withRoundTrip } from "./round-trips.ts";

/** The bindings of region workers as they are once deployed: each a round trip to its region away. */
export function regionBindings(env: EngineFetchEnv): Record<string, Pick<Fetcher, "fetch">> {
  const { LOCAL, MESH } = env;
  const bound = env as unknown as Readonly<Record<string, Fetcher | undefined>>;
  const delayed: Record<string, Pick<Fetcher, "fetch">> = {};
  for (const [region, place] of Object.entries(placesOf(MESH).regions)) {
    const name = regionBindingName(region);
    const worker = bound[name];
    if (worker === undefined || !LOCAL.roundTrips) continue;
    const fetchNow: typeof fetch = (input, init) => worker.fetch(input, init);
    delayed[name] = { fetch: withRoundTrip(fetchNow, roundTripMs(LOCAL, place), LOCAL.timeFactor) };
  }
  return delayed;
}
