import type { DeviceClass } from "../core/fleet.ts";
import { acceleratorEntries } from "./devices-accelerator.ts";
import { gpuEntries } from "./devices-gpu.ts";
import { localEntries } from "./devices-local.ts";
import { sramEntries } from "./devices-sram.ts";
import { deviceClass, type DeviceEntry } from "./figure.ts";

/** Built-in device classes with a source for every number. Dense BF16 throughout, as the shipped models are. */
export const deviceEntries: ReadonlyMap<string, DeviceEntry> = new Map(
  Object.entries({ ...gpuEntries, ...sramEntries, ...acceleratorEntries, ...localEntries }),
);

/** Built-in device classes by name. */
export const builtInDevices: ReadonlyMap<string, DeviceClass> = new Map(
  [...deviceEntries].map(([name, entry]) => [name, deviceClass(name, entry)]),
);

/** The class that has no numbers of its own: `devices.custom` in `mesh.json` gives them. */
export const CUSTOM_DEVICE = "custom";
