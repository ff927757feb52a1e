import type { PolicySetup, ReplayRequest } from "../policy.ts";
import { isUsable } from "./choose.ts";
import type { ExpectedMatch } from "./expected-match.ts";

/**
 * Order of NVIDIA Dynamo's router queue (`lib/kv-router/src/scheduling/policy.rs` @01690d42): the larger goes first.
 * `wspt`, Smith's rule: weight over the tokens that the best placed worker would have to compute.
 */
export function dynamoQueueKey(
  setup: PolicySetup,
  match: ExpectedMatch,
  request: ReplayRequest,
  policy: "fcfs" | "wspt" | "lcfs",
): number {
  const weight = Math.max(0, request.priority);
  if (policy === "fcfs") return weight - request.atMs / 1000;
  if (policy === "lcfs") return weight + request.atMs / 1000;
  let held = 0;
  for (const one of setup.fleet.engines)
    if (isUsable(one, request)) held = Math.max(held, match.of(one, request));
  return (1 + weight) / Math.max(1, request.promptTokens - held);
}
