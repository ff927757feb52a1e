import type { DeviceClass, Fleet, Model } from "../../core/fleet.ts";
import type { FleetSetup } from "../fleet-setup.ts";
import type { PolicyResult } from "../replay.ts";
import type { EqualGoodput } from "./equal-goodput.ts";
import type { PricedKind } from "./device-prices.ts";
import type { Inventory } from "./inventory.ts";
import type { TimeCourse } from "./time-course.ts";

/** Everything that a page about a replay says. */
export type Report = {
  /** The command that makes this page again. */
  readonly command: string;
  readonly model: Model;
  readonly slo: Fleet["slo"]["interactive"];
  readonly inventory: Inventory;
  readonly priced: readonly PricedKind[];
  readonly fleets: readonly FleetReport[];
  /** What fleets cost for the same goodput; empty where that was not asked. */
  readonly equal: readonly EqualGoodput[];
};

/** One fleet under every policy. */
export type FleetReport = {
  readonly name: string;
  readonly setup: FleetSetup;
  /** Of the arrivals, times as traced. */
  readonly rate: number;
  readonly seeds: number;
  /** What edges know, and when. */
  readonly conditions: string;
  readonly results: readonly PolicyResult[];
  /** By policy, of the run with seed 1. */
  readonly courses: ReadonlyMap<string, TimeCourse>;
};

/** Whether a policy is ours, which pages point out. */
export function isOurs(policy: string): boolean {
  return policy === "phaseway";
}

/** How a device class is called where it cannot be bought yet. */
export function deviceName({ name, status }: Pick<DeviceClass, "name" | "status">): string {
  return status === "shipping" ? name : `${name} (${status})`;
}
