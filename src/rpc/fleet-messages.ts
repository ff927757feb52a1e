import type { RegionSnapshot } from "./region-messages.ts";

/** Messages between regions, isolates and a `Fleet` object. Additive changes only; see DESIGN §2. Times are relative. */
export const FLEET_MESSAGES_VERSION = 1;

export type FleetPush = {
  readonly v: 1;
  /** Version of the `mesh.json` that names the engines. */
  readonly mesh: string;
  /** What the snapshot is of: a region, or a pool of one. */
  readonly shard: string;
  readonly snapshot: RegionSnapshot;
};

export type FleetPushReply = { readonly ok: true; readonly v: 1 } | UnknownVersion;

export type FleetRead = { readonly v: 1; readonly mesh: string };

export type FleetReadReply =
  | {
      readonly ok: true;
      readonly v: 1;
      /** The newest of every shard of the same mesh. */
      readonly told: readonly FleetTold[];
    }
  | UnknownVersion;

export type FleetTold = {
  readonly shard: string;
  /** Since it was pushed, ms. */
  readonly ageMs: number;
  readonly snapshot: RegionSnapshot;
};

/** The caller goes on as if the object were lost. */
type UnknownVersion = { readonly ok: false; readonly v: 1; readonly code: "unknown_version" };
