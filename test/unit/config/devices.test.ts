import { describe, expect, it } from "vitest";
import { builtInDevices, deviceEntries } from "../../../src/config/devices.ts";
import { fibreRttMs, greatCircleKm, seedRttMs } from "../../../src/core/geo.ts";

describe("built-in device classes", () => {
  it("give a source for every number", () => {
    const figures = JSON.stringify([...deviceEntries.values()]).match(/"value":/g) ?? [];
    const sources = JSON.stringify([...deviceEntries.values()]).match(/"source":"[^"]+"/g) ?? [];
    expect(sources).toHaveLength(figures.length);
  });

  it("name the memory tier that KV cache lives in first", () => {
    expect(builtInDevices.get("groq-lpu")?.memory[0]).toMatchObject({ tier: "sram", bytes: 230e6 });
    expect(builtInDevices.get("rubin-cpx")).toMatchObject({ status: "announced" });
    expect(builtInDevices.get("h100")).toMatchObject({ name: "h100", mfu: 0.45 });
  });
});

describe("geography", () => {
  const dublin = { lat: 53.3, lon: -6.3 };
  const amsterdam = { lat: 52.31, lon: 4.76 };

  it("measures the great circle, also across the date line and to the antipode", () => {
    expect(greatCircleKm(dublin, amsterdam)).toBeCloseTo(752, -1);
    expect(greatCircleKm({ lat: 0, lon: 179 }, { lat: 0, lon: -179 })).toBeCloseTo(222, 0);
    expect(greatCircleKm({ lat: 0, lon: 0 }, { lat: 0, lon: 180 })).toBeCloseTo(20_015, 0);
  });

  it("bounds a round trip by light in fibre and expects more", () => {
    expect(fibreRttMs(dublin, amsterdam)).toBeCloseTo(7.5, 1);
    expect(seedRttMs(dublin, amsterdam)).toBeCloseTo(1.4 * fibreRttMs(dublin, amsterdam) + 1);
    expect(seedRttMs(dublin, dublin)).toBe(0.5);
  });
});
