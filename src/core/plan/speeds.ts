import type { Fleet } from "../fleet.ts";
import { type Speed, speedOf } from "../speed.ts";

/** Pool id → modelled speed of one of its engines. */
export type Speeds = ReadonlyMap<string, Speed>;

/** Speeds of every pool of a fleet; pools of an unknown device or model are left out. */
export function speedsOf(fleet: Fleet): Speeds {
  const speeds = new Map<string, Speed>();
  for (const pool of fleet.pools.values()) {
    const device = fleet.devices.get(pool.device);
    const model = fleet.models.get(pool.model);
    if (device && model) speeds.set(pool.id, speedOf(pool, device, model));
  }
  return speeds;
}
