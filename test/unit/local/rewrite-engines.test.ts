import { describe, expect, it } from "vitest";
import { EMULATOR_ORIGIN, onEmulator } from "../../../workers/local/rewrite-engines.ts";

describe("a mesh put on the emulator", () => {
  const engines = [
    { id: "0", url: `${EMULATOR_ORIGIN}/p.x/0`, bootstrapHost: "p0.cluster", bootstrapPort: 7 },
    { id: "1", url: "http://10.0.0.7:8000" },
  ];
  const mesh = { regions: {}, pools: { "p.x": { engines } } };

  it("has its emulated engines there, each met at a host of its own", () => {
    const { pools } = onEmulator(mesh, "http://127.0.0.1:1234");
    expect(pools["p.x"]).toEqual({
      engines: [
        {
          id: "0",
          url: "http://127.0.0.1:1234/p.x/0",
          bootstrapHost: "p.x.0.emulated",
          bootstrapPort: 7,
        },
        engines[1],
      ],
    });
  });
});
