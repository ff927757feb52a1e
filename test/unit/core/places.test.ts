import { describe, expect, it } from "vitest";
import { parseLabelOverride } from "../../../src/core/labels.ts";
import { placesOf } from "../../../src/core/places.ts";

describe("the places of a mesh", () => {
  const regions = new Map([
    ["ams", { jurisdiction: "eu" }],
    ["dub", { jurisdiction: "eu" }],
    ["nrt", {}],
  ]);

  it("are its regions and each jurisdiction once", () => {
    expect(placesOf(regions)).toBe(
      "`anywhere`, `edge-bound`, `edge-bound:<region>` with one of the regions `ams`, `dub`, `nrt`, or one of the jurisdictions `eu`",
    );
  });

  it("have no jurisdiction where no region has one", () => {
    expect(placesOf(new Map([["nrt", {}]]))).not.toContain("jurisdiction");
  });

  it("are told to who asks for a place that cannot be one", () => {
    expect(parseLabelOverride("place=Mars", placesOf(regions))).toMatchObject({
      ok: false,
      message: expect.stringMatching(/`nrt`.*`eu`.*got `Mars`/),
    });
  });
});
