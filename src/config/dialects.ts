import type { Phase } from "../core/fleet.ts";

/** What configuration has to know of a dialect to judge a pool or a link. */
export type DialectRoles = {
  /** The sets of roles a pool that speaks it can have. */
  readonly roleSets: readonly (readonly Phase[])[];
  /** Its engines can pass a KV cache to one another. */
  readonly handsOff: boolean;
  /** What its engines' URLs begin with; `http` or `https` unless told. It is a hosted API's: its pools route themselves. */
  readonly scheme?: string;
};

const ANY: DialectRoles["roleSets"] = [["prefill"], ["decode"], ["prefill", "decode"]];

/** Dialects by name. */
export const dialectRoles: ReadonlyMap<string, DialectRoles> = new Map<string, DialectRoles>([
  ["openai", { roleSets: [["prefill", "decode"]], handsOff: false }],
  ["vllm-nixl", { roleSets: ANY, handsOff: true }],
  ["vllm-nixl-push", { roleSets: ANY, handsOff: true }],
  ["vllm-mooncake", { roleSets: ANY, handsOff: true }],
  ["vllm-shared-storage", { roleSets: ANY, handsOff: true }],
  ["sglang", { roleSets: ANY, handsOff: true }],
  ["trtllm", { roleSets: ANY, handsOff: true }],
  ["trtllm-gen-first", { roleSets: ANY, handsOff: true }],
  ["llm-d", { roleSets: ANY, handsOff: true }],
  ["dynamo", { roleSets: [["prefill", "decode"]], handsOff: false }],
  ["workers-ai", { roleSets: [["prefill", "decode"]], handsOff: false, scheme: "workers-ai" }],
]);
