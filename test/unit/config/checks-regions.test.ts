import { describe, expect, it } from "vitest";
import { pathsWith, problemsWith } from "./small-mesh.ts";

describe("checks of regions", () => {
  it("let a region with several pools be sharded by them, in any epoch", () => {
    expect(pathsWith({ "regions/iad/shards": "pool", "regions/iad/epoch": 3 })).toEqual([]);
    expect(pathsWith({ "regions/iad/shards": "engine" })).toEqual(["regions.iad.shards"]);
    expect(pathsWith({ "regions/iad/epoch": 0 })).toEqual(["regions.iad.epoch"]);
  });

  it("say where there is nothing to shard", () => {
    const problems = problemsWith({ "regions/use1/shards": "pool", "regions/ams/shards": "pool" });
    expect(problems).toMatchObject([
      { path: "regions.use1.shards", problem: expect.stringContaining("one pool") },
      { path: "regions.ams.shards", problem: expect.stringContaining("no pool") },
    ]);
  });

  it("refuse two regions whose workers would be bound by one name", () => {
    const place = { lat: 1, lon: 2 };
    expect(problemsWith({ "regions/eu.1": place, "regions/eu-1": place })).toMatchObject([
      { path: "regions.eu-1", problem: expect.stringContaining("REGION_EU_1") },
    ]);
  });
});
