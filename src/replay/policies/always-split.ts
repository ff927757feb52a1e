import type { PolicyEntry } from "../policy.ts";
import { splitRouter } from "./split-router.ts";

/** Every request is prefilled by one engine and decoded by another: llm-d's `always-disagg-pd-decider`, DistServe. */
export function alwaysSplit(): PolicyEntry {
  return {
    name: "always-split",
    instances: "edge",
    create: (setup) => splitRouter(setup, () => true),
  };
}
