import { describe, expect, it } from "vitest";
import { continentOf, continentsOf } from "../../../src/core/continents.ts";
import { objectNameOf, regionOfShard, shardOf, shardsOf } from "../../../src/core/shards.ts";
import { fleetOf } from "../../../workers/edge/fleet.ts";
import { meshFile } from "../../support/mesh-file.ts";

describe("a region's objects", () => {
  it("are one, which grants every pool of the region", () => {
    const fleet = fleetWith({});
    expect(shardOf(fleet, "cpx-use1")).toBe("use1");
    expect(objectNameOf(fleet, "use1")).toBe("use1@1");
    expect([...shardsOf(fleet)].toSorted()).toEqual(["ams", "euw1", "iad", "nrt", "use1"]);
  });

  it("are one for each pool of a region that is sharded so", () => {
    const fleet = fleetWith({ shards: "pool" });
    expect(shardOf(fleet, "cpx-use1")).toBe("use1/cpx-use1");
    expect(shardOf(fleet, "h200-iad")).toBe("iad");
    expect(objectNameOf(fleet, "use1/cpx-use1")).toBe("use1@1/cpx-use1");
    expect(regionOfShard(fleet, "use1/cpx-use1")?.id).toBe("use1");
    expect(shardsOf(fleet).has("use1")).toBe(false);
  });

  it("are others in another epoch", () => {
    expect(objectNameOf(fleetWith({ epoch: 2 }), "use1")).toBe("use1@2");
    const sharded = fleetWith({ epoch: 2, shards: "pool" });
    expect(objectNameOf(sharded, "use1/cpx-use1")).toBe("use1@2/cpx-use1");
  });
});

describe("a continent", () => {
  it.each([
    ["Frankfurt", 50.1, 8.7, "europe"],
    ["San Francisco", 37.8, -122.4, "north-america"],
    ["Tokyo", 35.7, 139.7, "asia"],
    ["São Paulo", -23.5, -46.6, "south-america"],
    ["Johannesburg", -26.2, 28, "africa"],
    ["Auckland", -36.8, 174.8, "oceania"],
  ])("of %s is the nearest", (_, lat, lon, id) => {
    expect(continentOf({ lat, lon }).id).toBe(id);
  });

  it("is one of a fleet's where it has regions", () => {
    const ids = continentsOf(fleetWith({})).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(["asia", "europe", "north-america"]);
  });
});

/** The repository's fleet, with some of `use1` otherwise. */
function fleetWith(change: Record<string, unknown>) {
  const mesh = meshFile();
  Object.assign(mesh.regions["use1"] as object, change);
  return fleetOf(mesh);
}
