import type { PolicyEntry } from "../policy.ts";
import { leastOf, isUsable, sendTo } from "./choose.ts";

/** Any engine, all equally likely. The `random` mode of every router (Dynamo, SGLang gateway, AIBrix). */
export function random(): PolicyEntry {
  return {
    name: "random",
    instances: "edge",
    create: (setup) => ({
      route: (request) =>
        sendTo(
          leastOf(
            setup.fleet.engines,
            (engine) => (isUsable(engine, request) ? 0 : Infinity),
            setup.random,
          ),
        ),
    }),
  };
}
