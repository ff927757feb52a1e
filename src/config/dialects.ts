import type { Phase } from "../core/fleet.ts";

/** What configuration has to know of a dialect to judge a pool or a link. */
export type DialectRoles = {
  /** The sets of roles a pool that speaks it can have. */
  readonly roleSets: readonly (readonly Phase[])[];
  /** Its engines can pass a KV cache to one another. */
  readonly handsOff: boolean;
};

/** Dialects by name. */
export const dialectRoles: ReadonlyMap<string, DialectRoles> = new Map<string, DialectRoles>([
  ["openai", { roleSets: [["prefill", "decode"]], handsOff: false }],
  ["vllm-nixl", { roleSets: [["prefill"], ["decode"], ["prefill", "decode"]], handsOff: true }],
]);
