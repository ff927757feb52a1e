/** A point on Earth, degrees. */
export type Place = { readonly lat: number; readonly lon: number };

/** Distance on the great circle, km. */
export function greatCircleKm(a: Place, b: Place): number {
  const latA = a.lat * RADIANS;
  const latB = b.lat * RADIANS;
  const halfLat = (latB - latA) / 2;
  const halfLon = ((b.lon - a.lon) * RADIANS) / 2;
  const haversine =
    Math.sin(halfLat) ** 2 + Math.cos(latA) * Math.cos(latB) * Math.sin(halfLon) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(haversine)));
}

/** The least round trip that light in a straight fibre allows, ms. */
export function fibreRttMs(a: Place, b: Place): number {
  return (2 * greatCircleKm(a, b)) / FIBRE_KM_PER_MS;
}

/** The round trip to expect before one was measured, ms. */
export function seedRttMs(a: Place, b: Place): number {
  if (greatCircleKm(a, b) < SAME_PLACE_KM) return SAME_PLACE_RTT_MS;
  return DETOUR * fibreRttMs(a, b) + EQUIPMENT_MS;
}

const RADIANS = Math.PI / 180;
const EARTH_RADIUS_KM = 6371;
const FIBRE_KM_PER_MS = 200;
const SAME_PLACE_KM = 1;
const SAME_PLACE_RTT_MS = 0.5;
/** How much longer real routes are than the great circle. */
const DETOUR = 1.4;
const EQUIPMENT_MS = 1;
