import type { PolicyEntry } from "../policy.ts";
import { isUsable, leastOf, sendTo } from "./choose.ts";

/**
 * The engine that holds most of the prompt, any of several, whatever the load. `prefixaware` of production-stack
 * (`routing_logic.py`, which forgets nothing; here it forgets as the engine would), the classic of cache-aware routing.
 */
export function longestPrefix({ knows = "sent" }: LongestPrefixParams = {}): PolicyEntry {
  return {
    name: "longest-prefix",
    instances: "edge",
    create(setup) {
      const sent = knows === "sent" ? setup.prefixModel() : undefined;
      return {
        route(request) {
          const engine = leastOf(
            setup.fleet.engines,
            (one) =>
              isUsable(one, request)
                ? -(sent ?? setup.fleet).matchTokens(one.engine, request)
                : Infinity,
            setup.random,
          );
          if (engine) sent?.insert(engine.engine, request);
          return sendTo(engine);
        },
      };
    },
  };
}

export type LongestPrefixParams = {
  /** `sent`: what it sent itself, in an LRU as large as the engine's, unless told; `view`: what the view shows. */
  readonly knows?: "view" | "sent";
};
