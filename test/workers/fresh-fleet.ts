import type { Fleet, Region } from "../../src/core/fleet.ts";
import { fleetOf } from "../../workers/edge/fleet.ts";
import { testMesh } from "./test-mesh.ts";

/** The fleet of the test mesh in an epoch of its own, whose objects nobody has asked yet. */
export function freshFleet(change: Partial<Region> = {}): Fleet {
  const fleet = fleetOf(testMesh);
  epoch += 1;
  const regions = [...fleet.regions].map(([id, region]) => [id, { ...region, epoch, ...change }]);
  return { ...fleet, regions: new Map(regions as [string, Region][]) };
}

let epoch = Math.floor(Math.random() * 2 ** 40);
