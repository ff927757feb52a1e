/** A point on the globe, degrees. */
export type Place = { readonly lat: number; readonly lon: number };

/** The edges of a local mesh, at the airports that name them; the first listens on `PORT`, the next on `PORT+1` … */
export const EDGES = [
  { name: "ams", colo: "AMS", lat: 52.31, lon: 4.76 },
  { name: "iad", colo: "IAD", lat: 38.94, lon: -77.46 },
  { name: "nrt", colo: "NRT", lat: 35.77, lon: 140.39 },
] as const;

const EARTH_RADIUS_KM = 6371;
/** Light in fibre covers about 200 km/ms one way: 100 km of distance per ms of round trip. */
const KM_PER_ROUND_TRIP_MS = 100;
/** Cables are longer than the great circle. */
const DETOUR = 1.4;
const LAST_MILE_MS = 1;

/** Round trip between two places over the public internet, ms. */
export function roundTripMs(from: Place, to: Place): number {
  return LAST_MILE_MS + (DETOUR * distanceKm(from, to)) / KM_PER_ROUND_TRIP_MS;
}

function distanceKm(from: Place, to: Place): number {
  const radians = Math.PI / 180;
  const dLat = (to.lat - from.lat) * radians;
  const dLon = (to.lon - from.lon) * radians;
  const chord =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(from.lat * radians) * Math.cos(to.lat * radians) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(chord));
}
