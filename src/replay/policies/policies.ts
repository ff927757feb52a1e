import type { PolicyEntry } from "../policy.ts";
import { alwaysSplit } from "./always-split.ts";
import { dynamoConditional } from "./dynamo-conditional.ts";
import { dynamoKv } from "./dynamo-kv.ts";
import { leastRequests } from "./least-requests.ts";
import { llmDDefault } from "./llm-d-default.ts";
import { longestPrefix } from "./longest-prefix.ts";
import { mooncakeGlobal } from "./mooncake-global.ts";
import { mooncakeLocal } from "./mooncake-local.ts";
import { nearestExact } from "./nearest-exact.ts";
import { neverSplit } from "./never-split.ts";
import { powerOfTwo } from "./power-of-two.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round-robin.ts";
import { sglangCacheAware } from "./sglang-cache-aware.ts";
import { splitAbove } from "./split-above.ts";
import { stickyHash } from "./sticky-hash.ts";

/** The baselines by the name that `--policy` takes, with their published parameters. */
export const baselines: ReadonlyMap<string, PolicyEntry> = new Map(
  [
    random(),
    roundRobin(),
    leastRequests(),
    powerOfTwo(),
    stickyHash(),
    longestPrefix(),
    sglangCacheAware(),
    dynamoKv(),
    llmDDefault(),
    mooncakeLocal(),
    mooncakeGlobal(),
    nearestExact(),
  ].map((entry) => [entry.name, entry]),
);

/** The fixed rules for fleets that can split requests, by the same names. */
export const splitBaselines: ReadonlyMap<string, PolicyEntry> = new Map(
  [alwaysSplit(), neverSplit(), splitAbove(), dynamoConditional()].map((entry) => [
    entry.name,
    entry,
  ]),
);
