import { readFileSync } from "node:fs";
import { parseMesh } from "../../../src/config/parse.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { meshFleet } from "../../../src/replay/mesh-fleet.ts";
import type { Flags } from "./flags.ts";

export type NamedFleet = { readonly name: string; readonly setup: FleetSetup };

/** The fleets to compare, all with the first one's objectives: each `--fleet` file, or equal engines of a calibration. */
export function fleetsOf(flags: Flags): NamedFleet[] {
  if (flags.fleet === undefined) {
    const { calibration: name, engines, rttMs } = flags;
    return [
      {
        name: `${engines} x ${name}`,
        setup: calibratedFleet(calibration(name), engines, rttMs),
      },
    ];
  }
  const fleets = flags.fleet.map((path) => ({ name: path, setup: readFleet(path, flags.model) }));
  const slo = fleets[0]?.setup.mesh.slo;
  return fleets.map(({ name, setup }) => ({
    name,
    setup: { ...setup, mesh: { ...setup.mesh, ...(slo && { slo }) } },
  }));
}

/** The engines of a `mesh.json` that serve one model, its first unless told. */
export function readFleet(path: string, model: string | undefined): FleetSetup {
  const parsed = parseMesh(JSON.parse(readFileSync(path, "utf8")), dialects);
  if (!parsed.ok) {
    const [first] = parsed.problems;
    throw new Error(`${path}: ${first?.path}: ${first?.problem}`);
  }
  const [only] = parsed.fleet.models.keys();
  return meshFleet(parsed.fleet, model ?? only ?? "");
}
