import { seedRttMs } from "../core/geo.ts";
import type { Fleet } from "../core/fleet.ts";

type Place = { readonly lat: number; readonly lon: number };

const WEIGHT = 0.1;

/** Round trips from this edge to each region, ms: a moving average of real calls, seeded from coordinates. */
export class RoundTrips {
  readonly #fleet: Fleet;
  readonly #here: Place | undefined;
  readonly #known = new Map<string, number>();

  constructor(fleet: Fleet, here: Place | undefined) {
    this.#fleet = fleet;
    this.#here = here;
  }

  ms(region: string): number {
    const known = this.#known.get(region);
    if (known !== undefined) return known;
    const there = this.#fleet.regions.get(region);
    const seed = there && this.#here ? seedRttMs(this.#here, there) : 50;
    this.#known.set(region, seed);
    return seed;
  }

  observe(region: string, ms: number): void {
    this.#known.set(region, this.ms(region) * (1 - WEIGHT) + ms * WEIGHT);
  }
}
