import { type Place, seedRttMs } from "../core/geo.ts";

/** Where edges often stand, by the code of a nearby airport, as Cloudflare names its own. */
export const wellKnownPlaces: ReadonlyMap<string, Place> = new Map(
  Object.entries({
    ams: { lat: 52.3, lon: 4.8 },
    bom: { lat: 19.1, lon: 72.9 },
    cdg: { lat: 49, lon: 2.5 },
    dfw: { lat: 32.9, lon: -97 },
    dub: { lat: 53.4, lon: -6.3 },
    fra: { lat: 50, lon: 8.6 },
    gru: { lat: -23.4, lon: -46.5 },
    iad: { lat: 39, lon: -77.5 },
    icn: { lat: 37.5, lon: 126.5 },
    jnb: { lat: -26.1, lon: 28.2 },
    lhr: { lat: 51.5, lon: -0.5 },
    nrt: { lat: 35.8, lon: 140.4 },
    ord: { lat: 42, lon: -87.9 },
    pdx: { lat: 45.6, lon: -122.6 },
    sin: { lat: 1.4, lon: 104 },
    sjc: { lat: 37.4, lon: -121.9 },
    syd: { lat: -33.9, lon: 151.2 },
  }),
);

/** Round trip to expect between two regions of a mesh or well-known places, ms; 0 inside one. */
export function rttBetween(regions: ReadonlyMap<string, Place>, from: string, to: string): number {
  return from === to ? 0 : seedRttMs(placeNamed(regions, from), placeNamed(regions, to));
}

function placeNamed(regions: ReadonlyMap<string, Place>, name: string): Place {
  const place = regions.get(name) ?? wellKnownPlaces.get(name);
  if (place !== undefined) return place;
  const known = [...wellKnownPlaces.keys()].join(", ");
  const own = [...regions.keys()].join(", ");
  throw new RangeError(
    `no region is called \`${name}\`; the fleet has ${own}, and there are the places ${known}`,
  );
}
