import { builtInDevices } from "../../../src/config/devices.ts";
import { ceilingsOf } from "../../../src/replay/ceilings.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import { priceKinds } from "../../../src/replay/report/device-prices.ts";
import type { EqualGoodput } from "../../../src/replay/report/equal-goodput.ts";
import { inventoryOf } from "../../../src/replay/report/inventory.ts";
import type { FleetReport, Report } from "../../../src/replay/report/report.ts";

/** The whole report: the replays beside an inventory of the trace and the prices of its kinds of work. */
export function reportOf(
  workload: Workload,
  fleets: readonly FleetReport[],
  equal: readonly EqualGoodput[],
): Report {
  const [first] = fleets;
  const model = first?.setup.mesh.models.get(first.setup.engines[0]?.model ?? "");
  if (!first || !model) throw new TypeError("a report needs a fleet with a model");
  const { mesh } = first.setup;
  const inventory = inventoryOf(workload, mesh, model);
  const devices = new Map([...builtInDevices, ...mesh.devices]);
  const sizes = new Map(
    fleets.flatMap(({ setup }) =>
      [...setup.mesh.pools.values()]
        // A calibration's engine is one device of its own making.
        .filter(
          ({ device, model: served }) => setup.mesh.devices.has(device) && served === model.id,
        )
        .map((pool) => [pool.device, pool.devices] as const),
    ),
  );
  const slo = mesh.slo.interactive;
  const { cachedTokens } = ceilingsOf(workload, 0);
  const given = { workload, cachedTokens, model, devices: devices.values(), slo };
  const priced = priceKinds(inventory.kinds, { ...given, sizes });
  return { command: command(), model, slo, inventory, priced, fleets, equal };
}

/** What was typed, so that it can be typed again. */
function command(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w./:=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return `npm run replay -- ${words.join(" ")}`;
}
