import type { PolicyEntry } from "../policy.ts";
import { mooncakeLocal } from "./mooncake-local.ts";

/**
 * No request is split: the lowest queue + prefill time among the engines that can decode. Engines that only prefill
 * stand idle, which is what the comparison is about.
 */
export function neverSplit(): PolicyEntry {
  return { ...mooncakeLocal(), name: "never-split" };
}
