import { createRegionObjects } from "../../src/region/by-object.ts";
import { createRegionService, type InIsolateOptions } from "../../src/region/in-isolate.ts";
import { createRegions, type ObjectPlace } from "../../src/rpc/objects.ts";
import type { TurnDeps } from "../../src/turn/deps.ts";
import type { EdgeEnv } from "./mesh.ts";

/** Who grants engines, as a turn needs it: Region objects where they are bound, else this isolate. */
export function regionsOf({ REGIONS }: EdgeEnv, options: InIsolateOptions): RegionsOfRequest {
  if (REGIONS === undefined) {
    const { service, views } = createRegionService(options);
    return () => ({ region: service, views });
  }
  const ofRequest = createRegionObjects(options);
  return (env, waitUntil, rtt) => {
    const regions = createRegions(env.REGIONS ?? REGIONS);
    const { service, views } = ofRequest({
      object: (region) => regions(region, placeOf(options, region)),
      waitUntil,
      rtt,
    });
    return { region: service, views };
  };
}

type RegionsOfRequest = (
  env: EdgeEnv,
  waitUntil: TurnDeps["waitUntil"],
  rtt: TurnDeps["rtt"],
) => Pick<TurnDeps, "region" | "views">;

/** A region's object belongs where its engines are. */
function placeOf({ fleet }: InIsolateOptions, region: string): ObjectPlace {
  const { hint, jurisdiction } = fleet.regions.get(region) ?? {};
  return {
    ...(hint !== undefined && { hint: hint as DurableObjectLocationHint }),
    ...(jurisdiction !== undefined &&
      JURISDICTIONS.has(jurisdiction) && {
        jurisdiction: jurisdiction as DurableObjectJurisdiction,
      }),
  };
}

/** Those that Cloudflare keeps objects within. */
const JURISDICTIONS: ReadonlySet<string> = new Set(["eu", "us", "fedramp"]);
