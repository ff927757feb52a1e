import { createRegionApp, type RegionWorkerEnv } from "../region/app.ts";
import { engineFetch, type EngineFetchEnv } from "./engine-fetch.ts";
import { realObjects } from "./real-objects.ts";
import { OBJECT_MS } from "./round-trips.ts";

export { Region } from "./edge.ts";

/** A region's worker as a local mesh runs it: beside its engines, with the distances that Miniflare lacks. */
export default {
  fetch(request, env, context) {
    region ??= createRegionApp({ engineFetch: engineFetch(env) });
    const { roundTrips, timeFactor } = env.LOCAL;
    const REGIONS = asDeployed(env.REGIONS, roundTrips ? OBJECT_MS * timeFactor : 0);
    return region.fetch(request, { ...env, REGIONS }, context);
  },
} satisfies ExportedHandler<EngineFetchEnv & RegionWorkerEnv>;

let region: ReturnType<typeof createRegionApp> | undefined;
const asDeployed = realObjects(Date.now);
