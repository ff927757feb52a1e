import type { Fleet } from "./fleet.ts";
import { greatCircleKm, type Place } from "./geo.ts";

/** A continent, and where on it Cloudflare is asked to make an object. */
export type Continent = { readonly id: string; readonly hint: string };

/** The continent whose middle of traffic is nearest. */
export function continentOf(place: Place): Continent {
  const [first, ...others] = CONTINENTS;
  let nearest: Anchored = first;
  for (const other of others) {
    if (greatCircleKm(place, other) < greatCircleKm(place, nearest)) nearest = other;
  }
  return nearest;
}

/** The continents on which a fleet has regions. */
export function continentsOf({ regions }: Pick<Fleet, "regions">): readonly Continent[] {
  return [...new Set([...regions.values()].map(continentOf))];
}

type Anchored = Continent & Place;

const CONTINENTS: readonly [Anchored, ...Anchored[]] = [
  { id: "north-america", hint: "enam", lat: 39, lon: -77 },
  { id: "south-america", hint: "sam", lat: -23, lon: -46 },
  { id: "europe", hint: "weur", lat: 50, lon: 8 },
  { id: "africa", hint: "afr", lat: -26, lon: 28 },
  { id: "middle-east", hint: "me", lat: 25, lon: 55 },
  { id: "asia", hint: "apac", lat: 22, lon: 114 },
  { id: "oceania", hint: "oc", lat: -33, lon: 151 },
];
